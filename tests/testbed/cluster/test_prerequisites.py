import io
from pathlib import Path

import pytest

from testbed.cluster.errors import PrerequisiteError
from testbed.cluster.prerequisites import (
    Library,
    Packaged,
    Requirement,
    ensure,
    missing_from,
    missing_message,
    skip_reason,
)
from testbed.cluster.progress import Progress

ABSENT = Packaged("no-such-program", "does something", "some-package")
PRESENT = Packaged("sh", "runs scripts", "dash")
ABSENT_LIBRARY = Library("no-such-library", "does something", "libnone")
PRESENT_LIBRARY = Library("c", "is what programs are made of", "libc6")


def test_only_absent_programs_are_missing() -> None:
    assert missing_from([ABSENT, PRESENT, ABSENT_LIBRARY, PRESENT_LIBRARY]) == [ABSENT, ABSENT_LIBRARY]


def test_the_message_names_each_program_its_purpose_and_the_command() -> None:
    other = Packaged("another", "does more", "other-package")
    message = missing_message([ABSENT, other, Requirement("no-package", "is found nowhere")])
    assert "missing program no-such-program: it does something" in message
    assert "missing program another: it does more" in message
    assert "missing library no-such-library: it does something" in missing_message([ABSENT_LIBRARY])
    assert "apt-get install other-package some-package" in message
    assert "install with: install no-package" in message


class Installable(Requirement):
    """A program that installs itself into a folder."""

    folder: Path

    def is_met(self) -> bool:
        return (self.folder / self.program).exists()

    def install(self, *, progress: Progress) -> None:
        progress.note(f"installed {self.program}")
        (self.folder / self.program).touch()


def test_what_can_be_installed_into_the_cache_is_installed_once(
    tmp_path: Path, progress: Progress, output: io.StringIO
) -> None:
    class Here(Installable):
        folder = tmp_path

    for _ in range(2):
        ensure((Here("own", "is ours"), PRESENT), progress=progress)
    assert output.getvalue() == "installed own\n"


def test_all_that_stays_missing_is_named_at_once(progress: Progress, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(PrerequisiteError) as raised:
        ensure((ABSENT, ABSENT_LIBRARY, PRESENT, Requirement("other", "is missing too")), progress=progress)
    assert str(raised.value).splitlines() == [
        "missing program no-such-program: it does something",
        "missing library no-such-library: it does something",
        "missing program other: it is missing too",
        "install with: apt-get install libnone some-package   (as root; package names of Debian 12)",
        "install with: install other",
    ]


def test_a_missing_prerequisite_is_a_reason_to_skip_on_a_desk() -> None:
    assert skip_reason(PrerequisiteError("no ip"), environment={}) == "no ip"


@pytest.mark.parametrize("ci", ["true", "True", "1"])
def test_nothing_is_skipped_in_ci(ci: str) -> None:
    with pytest.raises(PrerequisiteError, match="no ip"):
        skip_reason(PrerequisiteError("no ip"), environment={"CI": ci})
