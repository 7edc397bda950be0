"""The catalog of the GPUPools that the chart installs, for the command line without a cluster: specs by name."""

import yaml

HEADER = "# Generated from manifests/gpupools.yaml by `make generate`. Do not edit.\n"


def catalog(manifest: str) -> str:
    """Return the text of the catalog for a manifest of GPUPools."""
    pools = {pool["metadata"]["name"]: pool["spec"] for pool in yaml.safe_load_all(manifest) if pool}
    return HEADER + yaml.safe_dump(pools, sort_keys=True)
