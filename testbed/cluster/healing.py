"""Cleans up after killed runs: healthy clusters stay, broken ones and unfinished builds are removed."""

from __future__ import annotations

from .cache import Cache
from .control_plane import ControlPlane
from .docker_engine import PrivateDocker
from .kind import KindCluster
from .progress import Progress


def heal(*, progress: Progress) -> list[str]:
    """Remove what is broken; return one sentence for each action."""
    clusters = (ControlPlane(progress=progress), KindCluster(progress=progress))
    broken = [cluster.name for cluster in clusters if cluster.remove_if_broken()]
    done = [f"removed leftovers of the {name} cluster" for name in broken]
    private = PrivateDocker(progress=progress)
    if private.has_leftovers() and not private.is_running():
        private.start()
        private.stop_if_idle()
        done.append("cleaned up after a private Docker engine that had been killed")
    done += [f"removed the unfinished build {name}" for name in Cache(progress=progress).remove_unfinished()]
    return done
