import hashlib
import json
import tarfile
from pathlib import Path

from testbed.cluster.image_archive import Excerpt, write_image, write_layer
from testbed.cluster.node_image import image_names


def _read(archive: Path, name: str) -> bytes:
    with tarfile.open(archive) as opened:
        content = opened.extractfile(name)
        assert content is not None
        return content.read()


def test_an_image_archive_ties_its_layer_to_its_configuration(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    layer, image = tmp_path / "layer.tar", tmp_path / "image.tar"
    write_layer(layer, programs={"/usr/bin/program": program})
    write_image(image, reference="example/program:v1", entrypoint=["/usr/bin/program"], layer=layer)
    [manifest] = json.loads(_read(image, "manifest.json"))
    configuration = json.loads(_read(image, manifest["Config"]))
    assert manifest["RepoTags"] == ["example/program:v1"]
    assert configuration["config"]["Entrypoint"] == ["/usr/bin/program"]
    digest = hashlib.sha256(_read(image, manifest["Layers"][0])).hexdigest()
    assert configuration["rootfs"]["diff_ids"] == [f"sha256:{digest}"]


def test_a_layer_takes_the_excerpt_of_a_root_file_system_and_owns_its_programs_as_root(tmp_path: Path) -> None:
    (tmp_path / "libc.so.6").write_text("library")
    (tmp_path / "hostname").write_text("node")
    root, layer = tmp_path / "root.tar", tmp_path / "layer.tar"
    with tarfile.open(root, "w") as archive:
        archive.add(tmp_path / "hostname", arcname="./etc/hostname")
        archive.add(tmp_path / "libc.so.6", arcname="./usr/lib/x86/libc.so.6")
        archive.add(tmp_path / "libc.so.6", arcname="./usr/lib/x86/plugins/other.so")
    program = tmp_path / "program"
    program.write_text("")
    write_layer(layer, programs={"/bin/program": program}, root=Excerpt(root, ("usr/lib/*/*.so*",)))
    with tarfile.open(layer) as archive:
        members = {member.name: member for member in archive}
    assert set(members) == {"./usr/lib/x86/libc.so.6", "bin/program"}
    assert _read(layer, "./usr/lib/x86/libc.so.6") == b"library"
    assert (members["bin/program"].uid, members["bin/program"].mode) == (0, 0o755)


def test_images_are_found_by_their_short_name() -> None:
    names = image_names("registry/etcd:3.6\nregistry/coredns/coredns:v1\nregistry/pause:3.10\n")
    assert names == {
        "etcd": "registry/etcd:3.6",
        "coredns": "registry/coredns/coredns:v1",
        "pause": "registry/pause:3.10",
    }
