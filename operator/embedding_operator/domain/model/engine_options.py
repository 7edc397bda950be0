"""Every option of SGLang 0.5.23 that the operator does not manage: whether a service may set it, and why not.

Services may set what tunes an engine. What loads, reads, writes, sends or shows something else is for whoever owns the
GPUs: a `GPUPool` may set it. An option in neither table is unknown, of a newer engine perhaps, and treated likewise.
"""


def _options(text: str) -> frozenset[str]:
    return frozenset(text.split())


OF_SERVICES = _options(
    """
    --allow-auto-truncate --attention-backend --bf16-gemm-backend --bucket-e2e-request-latency
    --bucket-inter-token-latency --bucket-time-to-first-token --chunked-prefill-size --context-bucket
    --cpu-offload-gb --cuda-graph-backend-decode --cuda-graph-backend-prefill --cuda-graph-bs-decode
    --cuda-graph-bs-prefill --cuda-graph-config --cuda-graph-max-bs-decode --cuda-graph-max-bs-prefill
    --cuda-graph-max-seq-len-prefill --cuda-graph-prefill-max-context --decode-attention-backend
    --decode-log-interval --detokenizer-worker-num --disable-chunked-prefix-cache --disable-cuda-graph
    --disable-cuda-graph-padding --disable-custom-all-reduce --disable-decode-cuda-graph
    --disable-flashinfer-autotune --disable-hybrid-swa-memory --disable-overlap-schedule
    --disable-prefill-cuda-graph --disable-radix-cache --disable-shared-experts-fusion --dist-timeout
    --dynamic-batch-tokenizer-batch-size --dynamic-batch-tokenizer-batch-timeout --enable-cache-report
    --enable-cudagraph-gc --enable-deterministic-inference --enable-dynamic-batch-tokenizer
    --enable-dynamic-chunking --enable-flashinfer-allreduce-fusion --enable-fused-moe-sum-all-reduce
    --enable-fused-qk-norm-rope --enable-metrics-for-all-schedulers --enable-mfu-metrics --enable-mis
    --enable-mixed-chunk --enable-mscclpp --enable-nccl-nvls --enable-p2p-check --enable-page-major-kv-layout
    --enable-precise-embedding-interpolation --enable-prefill-delayer --enable-single-batch-overlap
    --enable-symm-mem --enable-tf32-matmul --enable-tokenizer-batch-encode --enable-torch-compile
    --enable-torch-symm-mem --enable-two-batch-overlap --enable-unified-memory
    --enforce-disable-flashinfer-allreduce-fusion --enforce-shared-experts-fusion
    --flashinfer-allreduce-fusion-backend --flashinfer-mla-disable-ragged --fp4-gemm-backend --fp8-gemm-backend
    --gc-threshold --gc-warning-threshold-secs --kv-cache-dtype --log-level-http --max-prefill-tokens
    --max-queued-requests --max-running-requests --max-total-tokens --mem-fraction-static --moe-runner-backend
    --no-enable-fused-qk-norm-rope --no-enable-tf32-matmul --page-size --pre-warm-nccl
    --prefill-attention-backend --prefill-decode-interval --prefill-decode-interval-min-bs
    --prefill-delayer-forward-passes-buckets --prefill-delayer-max-delay-ms --prefill-delayer-max-delay-passes
    --prefill-delayer-queue-min-ratio --prefill-delayer-token-usage-low-watermark
    --prefill-delayer-wait-seconds-buckets --prefill-max-requests --prefill-only-disable-kv-cache
    --prompt-tokens-buckets --radix-eviction-policy --random-seed --schedule-conservativeness --schedule-policy
    --scheduler-recv-interval --show-time-cost --skip-server-warmup --sleep-on-idle --soft-watchdog-timeout
    --swa-full-tokens-ratio --tbo-token-distribution-threshold --tokenizer-backend --tokenizer-worker-num
    --torch-compile-max-bs --triton-attention-num-kv-splits --triton-attention-reduce-in-fp32
    --triton-attention-split-tile-size --uvicorn-access-log-exclude-prefixes --watchdog-timeout
    --weight-loader-disable-mmap --weight-loader-drop-cache-after-load --weight-loader-prefetch-checkpoints
    --weight-loader-prefetch-num-threads
    """
)
"""Options that a service may set."""

OF_POOLS: dict[str, frozenset[str]] = {
    "it loads code, weights or templates that spec.model does not name": _options(
        """
        --chat-template --checkpoint-engine-wait-weights-before-ready --completion-template --custom-weight-loader
        --deepep-config --default-chat-template-kwargs --dllm-algorithm-config --download-dir
        --enable-custom-logit-processor --enable-fp32-lm-head --enable-multimodal --flashinfer-autotune-skip-ops
        --forward-hooks --hf-chat-template-name --init-expert-location --kt-weight-path --load-format --lora-paths
        --mamba-max-states-per-path --model-checksum --model-config-parser --model-impl --model-loader-extra-config
        --modelopt-checkpoint-restore-path --modelopt-checkpoint-save-path --modelopt-export-path --modelopt-quant
        --quantization-param-path --quantize-and-serve --radix-cache-backend --radix-eviction-policy-config
        --rl-on-policy-target --rl-quant-profile --sidecar --sidecar-args --skip-tokenizer-init
        --speculative-adaptive-config --speculative-draft-load-format --speculative-draft-model
        --speculative-draft-model-path --speculative-draft-model-quantization --speculative-draft-model-revision
        --speculative-dspark-confidence-sts-path --speculative-dspark-sps-table-path
        --speculative-ngram-external-corpus-path --speculative-token-map --startup-weight-load-mode --tokenizer-mode
        --tokenizer-path --trust-request-chat-template --uno-lora-path --warmups --weight-version
        """
    ),
    "it reads or writes files, caches or sockets outside of the model": _options(
        """
        --crash-dump-folder --debug-tensor-dump-input-file --debug-tensor-dump-layers
        --debug-tensor-dump-output-folder --decrypted-config-file --decrypted-draft-config-file
        --delete-ckpt-after-loading --disable-outlines-disk-cache --enable-flexkv --enable-hicache
        --enable-hierarchical-cache --enable-hisparse --enable-linker-mla-dedup --enable-lmcache --enable-pdmux
        --enable-unified-cache-external-linker --enable-watermark --export-metrics-to-file
        --export-metrics-to-file-dir --file-storage-path --flexkv-config-file --hicache-host-memory-fraction
        --hicache-host-memory-mode --hicache-io-backend --hicache-mem-layout --hicache-ratio --hicache-size
        --hicache-storage-backend --hicache-storage-backend-extra-config --hicache-storage-prefetch-policy
        --hicache-storage-prefetch-retry-max-attempts --hicache-storage-prefetch-retry-poll-interval
        --hicache-write-policy --hierarchical-sparse-attention-extra-config --hisparse-config --lmcache-config-file
        --msprobe-dump-config --no-ple-offload-embedding --pdmux-config-path --ple-offload-backend --ple-offload-dir
        --ple-offload-embedding --sm-group-num --spec-trace-dir --unified-cache-external-linker-backend
        --unified-cache-external-linker-config --watermark-config --weight-cache-mode --weight-cache-socket
        --weight-cache-timeout
        """
    ),
    "it opens a port, or connects the engine to another address": _options(
        """
        --allowed-media-domains --decoupled-spec-bind-endpoint --decoupled-spec-connect-endpoints
        --disaggregation-bootstrap-port --disaggregation-ib-device --disaggregation-transfer-backend
        --enable-forward-pass-metrics --enable-http-worker-reuseport --enable-trace --encoder-bootstrap-port
        --encoder-register-urls --encoder-transfer-backend --encoder-urls --engine-info-bootstrap-port
        --forward-pass-metrics-ipc-name --forward-pass-metrics-worker-id --gated-launch-port
        --grpc-http-sidecar-port --grpc-port --grpc-response-timeout-secs --http2-initial-connection-window-size
        --http2-max-concurrent-streams --kv-events-config --load-publish-endpoint --load-snapshot-publish-interval
        --modelexpress-config --mooncake-ib-device --nccl-port --otlp-service-name --otlp-traces-endpoint
        --remote-instance-weight-loader-backend --remote-instance-weight-loader-seed-instance-ip
        --remote-instance-weight-loader-seed-instance-service-port
        --remote-instance-weight-loader-send-weights-group-ports
        --remote-instance-weight-loader-start-seed-via-transfer-engine --smg-http-sidecar-port --tool-server
        --trace-modules --use-ray
        """
    ),
    "it shows clients' texts, or what the model computes from them, in logs, labels or answers": _options(
        """
        --enable-request-time-stats-logging --enable-response-store --enable-return-aux-hidden-states
        --enable-return-hidden-states --enable-return-indexer-topk --enable-return-routed-experts
        --extra-metric-labels --log-requests --log-requests-format --log-requests-level --log-requests-target
        --return-aux-hidden-state-layer-ids --return-hidden-states-mode --return-input-ids --return-output-ids
        --tokenizer-metrics-allowed-custom-labels --tokenizer-metrics-custom-labels-header
        """
    ),
    "it depends on the node": _options(
        """
        --base-gpu-id --device --enable-draft-weights-cpu-backup --enable-memory-saver --enable-weights-cpu-backup
        --gpu-id-step --numa-node --sampling-backend
        """
    ),
    "it is for debugging the engine": _options(
        """
        --debug-cuda-graph --enable-layerwise-nvtx-marker --enable-profile-cuda-graph
        --enable-torch-compile-debug-mode --kv-canary --kv-canary-real-data --kv-canary-sweep-interval
        """
    ),
    "it is for models that generate text, or for engines of several pods": _options(
        """
        --abort-on-priority-when-disabled --asr-max-buffer-seconds --asr-max-concurrent-sessions
        --attention-context-parallel-size --attention-data-parallel-size --attn-cp-size --attn-dp-size
        --batch-notify-size --boundary-reduction --c128-page-size --constrained-json-disable-any-whitespace
        --constrained-json-max-whitespace-cnt --constrained-json-whitespace-pattern --cp-strategy --dcp-comm-backend
        --dcp-replicate-q-proj --dcp-size --decode-context-parallel-size --decoupled-spec-rank --decoupled-spec-role
        --deepep-dispatcher-output-dtype --deepep-mode --deepep-v2-mode --default-priority-value
        --disable-aiter-allreduce-fusion-in-decode --disable-aiter-allreduce-fusion-in-prefill
        --disable-attn-tp-gather --disable-fast-image-processor --disable-flashinfer-cutlass-moe-fp4-allgather
        --disable-priority-preemption --disable-tokenizer-batch-decode --disaggregation-decode-allocation-policy
        --disaggregation-decode-enable-offload-kvcache --disaggregation-decode-enable-radix-cache
        --disaggregation-decode-extra-slots --disaggregation-decode-host-receive-threshold
        --disaggregation-decode-polling-interval --disaggregation-decode-retraction-backup
        --disaggregation-enable-kv-checksum --disaggregation-mode --dllm-algorithm --dllm-fdfo --dsa-decode-backend
        --dsa-paged-mqa-logits-backend --dsa-prefill-backend --dsa-topk-backend --dsa-triton-union
        --dsv4-attn-backend --dsv4-prefill-backend --dwdp-size --elastic-ep-backend --elastic-ep-initial-size
        --elastic-ep-join-mode --elastic-ep-join-rank-offset --elastic-ep-scale-timeout
        --enable-adaptive-dispatch-to-encoder --enable-aiter-allreduce-fusion --enable-amd-monokernel
        --enable-attn-tp-input-scattered --enable-broadcast-mm-inputs-process --enable-cp-decode-attn-tp
        --enable-decoder-swa-bounded-replay --enable-deepseek-v4-fp4-indexer --enable-dense-mlp-attn-tp
        --enable-dp-attention --enable-dp-attention-local-control-broadcast --enable-dp-lm-head
        --enable-dsa-cache-layer-split --enable-dsa-fused-indexer --enable-elastic-expert-backup
        --enable-encoder-swa-bounded-replay --enable-eplb --enable-int8-mamba-checkpoint --enable-kv-cache-sharding
        --enable-layernorm-sp --enable-lean-attention --enable-linear-replayssm --enable-linear-replayssm-spec
        --enable-lora --enable-lora-overlap-loading --enable-mamba-cache-stochastic-rounding
        --enable-megamoe-for-layernorm-sp --enable-mm-global-cache --enable-multi-layer-eagle
        --enable-nvidia-megakernel --enable-paged-experts --enable-pd-role-switch --enable-prefill-cp
        --enable-prefix-mm-cache --enable-priority-scheduling --enable-quant-communications --enable-scattered-sconv
        --enable-session-radix-cache --enable-shared-experts-attn-tp --enable-streaming-session
        --enable-strict-thinking --enable-tp-lm-head-all-to-all --enable-w4a4-mxfp4-megamoe --enable-waterfill
        --encoder-only --ep --ep-dispatch-algorithm --ep-num-redundant-experts --ep-size --eplb-algorithm
        --eplb-min-rebalancing-utilization-threshold --eplb-rebalance-layers-per-chunk
        --eplb-rebalance-num-iterations --expert-balancedness-report-mode --expert-distribution-recorder-buffer-size
        --expert-distribution-recorder-mode --expert-parallel-size --experts-shared-outer-loras
        --flashinfer-a2a-dispatch-type --flashinfer-mxfp4-moe-precision --fuseep-mode --generation-tokens-buckets
        --grammar-backend --image-processor-backend --incremental-streaming-output --int8-mamba-ckpt-size
        --kt-cpuinfer --kt-max-deferred-experts-per-token --kt-method --kt-num-gpu-experts --kt-threadpool-count
        --language-model-only --language-only --limit-mm-data-per-request --linear-attn-backend
        --linear-attn-decode-backend --linear-attn-prefill-backend --linear-attn-verify-backend
        --linear-replayssm-cache-len --load-balance-method --lora-backend --lora-drain-wait-threshold
        --lora-eviction-policy --lora-strict-loading --lora-target-modules --lora-use-virtual-experts
        --mamba-backend --mamba-cache-philox-rounds --mamba-full-memory-ratio --mamba-radix-cache-strategy
        --mamba-ssm-dtype --mamba-track-interval --max-ep-size --max-loaded-loras --max-lora-chunk-size
        --max-lora-rank --max-loras-per-batch --max-mamba-cache-size --media-url-max-file-size-mb
        --min-free-slots-delay --mlx-enable-sampling --mm-attention-backend --mm-enable-dp-encoder
        --mm-feature-transport --mm-global-cache-backend --mm-io-worker-num --mm-preprocess-cache-size-mb
        --mm-process-config --mm-processor-worker-num --moe-a2a-backend --moe-data-parallel-size --moe-dense-tp-size
        --moe-dp-size --monokernel-backend --no-dcp-replicate-q-proj --no-dllm-fdfo
        --no-enable-decoder-swa-bounded-replay --no-enable-dsa-fused-indexer --no-enable-tp-lm-head-all-to-all
        --no-experts-shared-outer-loras --no-lora-strict-loading --no-mm-enable-dp-encoder
        --no-speculative-enable-w4a4-mxfp4-megamoe --num-continuous-decode-steps --num-reserved-decode-tokens
        --offload-group-size --offload-mode --offload-num-in-group --offload-prefetch-step
        --optimistic-prefill-attempts --paged-experts-num-resident --pp-async-batch-depth --pp-max-micro-batch-size
        --preferred-sampling-params --prefill-kv-cache-dequant-dtype --priority-scheduling-preemption-threshold
        --qsa-indexer-dtype --reasoning-parser --retraction-policy --sampling-defaults --sampling-mask-max-tokens
        --schedule-low-priority-values-first --shared-experts-tp-size --speculative-accept-threshold-acc
        --speculative-accept-threshold-single --speculative-adaptive --speculative-algorithm
        --speculative-attention-mode --speculative-dflash-block-size --speculative-domino-candidate-pool-size
        --speculative-draft-attention-backend --speculative-draft-kv-cache-dtype --speculative-draft-sink-size
        --speculative-draft-window-size --speculative-dsa-topk-backend
        --speculative-dspark-align-verify-tokens-to-graph-tier --speculative-dspark-block-size
        --speculative-eagle-topk --speculative-enable-w4a4-mxfp4-megamoe --speculative-moe-a2a-backend
        --speculative-moe-runner-backend --speculative-ngram-capacity --speculative-ngram-external-corpus-max-tokens
        --speculative-ngram-external-sam-budget --speculative-ngram-match-type --speculative-ngram-max-bfs-breadth
        --speculative-ngram-max-trie-depth --speculative-ngram-min-bfs-breadth --speculative-num-draft-tokens
        --speculative-num-steps --speculative-use-block-verification --speculative-use-rejection-sampling
        --stream-interval --stream-response-default-include-usage --strip-thinking-cache --swa-prefix-tails
        --tool-call-parser --trust-mm-content-hashes
        """
    ),
}
"""Options that only a `GPUPool` may set, by the reason."""

REASONS: dict[str, str] = {option: reason for reason, options in OF_POOLS.items() for option in options}
"""Why a service may not set an option, by option."""
