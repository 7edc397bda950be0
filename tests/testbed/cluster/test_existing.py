from pathlib import Path

import pytest

from testbed.cluster.api import require_kubeconfig
from testbed.cluster.errors import ClusterError
from testbed.cluster.existing import ExistingCluster


def test_no_variable_names_no_cluster() -> None:
    assert ExistingCluster.from_environment({}) is None
    assert ExistingCluster.from_environment({"EMBEDDING_OPERATOR_KUBECONFIG": ""}) is None


def test_a_missing_file_is_reported_with_the_variable(tmp_path: Path) -> None:
    named = tmp_path / "absent"
    cluster = ExistingCluster.from_environment({"EMBEDDING_OPERATOR_KUBECONFIG": str(named)})
    assert cluster is not None
    with pytest.raises(ClusterError, match=r"EMBEDDING_OPERATOR_KUBECONFIG names .*absent, which is not a file"):
        cluster.up()


def test_taking_an_existing_cluster_down_leaves_its_credentials(tmp_path: Path) -> None:
    named = tmp_path / "kubeconfig"
    named.write_text("kept")
    ExistingCluster(named).down()
    assert named.read_text() == "kept"


def test_a_cluster_that_is_not_up_is_named_instead_of_asking_another(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="the existing cluster is not up"):
        require_kubeconfig(ExistingCluster(tmp_path / "absent"))
