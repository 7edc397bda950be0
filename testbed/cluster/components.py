"""The control plane's processes: their files, addresses and command lines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ADDRESS = "10.200.0.1"
DNS_ADDRESS = "10.200.0.53"
GATEWAY_ADDRESS = "10.200.0.254"
SERVICE_SUBNET = "10.96.0.0/16"
KWOK_POD_SUBNET = "10.245.0.0/16"
BRIDGE = "embsvc0"
ETCD_URL = "http://127.0.0.1:2379"

NETWORK_SETUP = (
    ("ip", "link", "set", "lo", "up"),
    ("ip", "link", "add", BRIDGE, "type", "bridge"),
    ("ip", "address", "add", f"{ADDRESS}/24", "dev", BRIDGE),
    ("ip", "address", "add", f"{DNS_ADDRESS}/24", "dev", BRIDGE),
    ("ip", "link", "set", BRIDGE, "up"),
    ("ip", "route", "add", "default", "via", GATEWAY_ADDRESS, "dev", BRIDGE),
    # the addresses of all KWOK pods are local: a server on 0.0.0.0 serves all pods, its socket tells which was called
    ("ip", "route", "add", "local", KWOK_POD_SUBNET, "dev", "lo"),
)


@dataclass(frozen=True, slots=True)
class Layout:
    """Files of a running control plane: etcd's are in `etcd`, all others in `root`."""

    root: Path
    etcd: Path

    @property
    def pki(self) -> Path:
        return self.root / "pki"

    @property
    def kubeconfigs(self) -> Path:
        return self.root / "kubeconfigs"

    @property
    def kubeconfig(self) -> Path:
        return self.kubeconfigs / "super-admin.conf"

    @property
    def audit_log(self) -> Path:
        return self.root / "audit.log"

    @property
    def audit_policy(self) -> Path:
        return self.root / "audit-policy.yaml"

    @property
    def corefile(self) -> Path:
        return self.root / "Corefile"


def etcd(layout: Layout) -> list[str]:
    """Return the command line of etcd; it does not sync to disk, as no data here has to survive a crash."""
    return [
        "etcd",
        f"--data-dir={layout.etcd}",
        f"--listen-client-urls={ETCD_URL}",
        f"--advertise-client-urls={ETCD_URL}",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--unsafe-no-fsync",
    ]


def api_server(layout: Layout) -> list[str]:
    """Return the command line of kube-apiserver, with every request in the audit log."""
    pki = layout.pki
    return [
        "kube-apiserver",
        f"--etcd-servers={ETCD_URL}",
        "--bind-address=0.0.0.0",
        f"--advertise-address={ADDRESS}",
        "--secure-port=6443",
        f"--service-cluster-ip-range={SERVICE_SUBNET}",
        "--allow-privileged=true",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        f"--client-ca-file={pki}/ca.crt",
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
        f"--kubelet-client-certificate={pki}/apiserver-kubelet-client.crt",
        f"--kubelet-client-key={pki}/apiserver-kubelet-client.key",
        "--kubelet-preferred-address-types=InternalIP,Hostname",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={pki}/sa.pub",
        f"--service-account-signing-key-file={pki}/sa.key",
        f"--requestheader-client-ca-file={pki}/front-proxy-ca.crt",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={pki}/front-proxy-client.crt",
        f"--proxy-client-key-file={pki}/front-proxy-client.key",
        f"--audit-policy-file={layout.audit_policy}",
        f"--audit-log-path={layout.audit_log}",
        "--audit-log-maxsize=2000",
    ]


def controller_manager(layout: Layout) -> list[str]:
    """Return the command line of kube-controller-manager."""
    pki = layout.pki
    return [
        "kube-controller-manager",
        *_as_client(layout.kubeconfigs / "controller-manager.conf"),
        f"--root-ca-file={pki}/ca.crt",
        f"--service-account-private-key-file={pki}/sa.key",
        f"--cluster-signing-cert-file={pki}/ca.crt",
        f"--cluster-signing-key-file={pki}/ca.key",
        "--use-service-account-credentials=true",
        "--node-monitor-grace-period=20s",
    ]


def scheduler(layout: Layout) -> list[str]:
    """Return the command line of kube-scheduler."""
    return ["kube-scheduler", *_as_client(layout.kubeconfigs / "scheduler.conf")]


def coredns(layout: Layout) -> list[str]:
    """Return the command line of CoreDNS."""
    return ["coredns", "-conf", str(layout.corefile)]


def kwok(layout: Layout, *, stages: list[Path]) -> list[str]:
    """Return the command line of KWOK, which simulates the kubelets of nodes labelled type=kwok with these stages."""
    configs = [argument for stage in stages for argument in ("--config", str(stage))]
    return [
        "kwok",
        f"--kubeconfig={layout.kubeconfig}",
        "--manage-all-nodes=false",
        "--manage-nodes-with-label-selector=type=kwok",
        f"--cidr={KWOK_POD_SUBNET.replace('.0.0/', '.0.1/')}",
        f"--node-ip={ADDRESS}",
        "--node-lease-duration-seconds=40",
        "--v=WARN",
        *configs,
    ]


def _as_client(kubeconfig: Path) -> list[str]:
    return [
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
        # at the default of 20 requests per second, removing the taints of 500 new nodes takes half a minute
        "--kube-api-qps=300",
        "--kube-api-burst=600",
    ]
