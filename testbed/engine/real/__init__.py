"""The real SGLang on a CPU, for what no stand-in can prove."""
