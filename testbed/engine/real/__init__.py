"""The real SGLang on a CPU, for what a fake engine cannot prove."""
