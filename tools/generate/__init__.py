"""Generated files of the repository: `python -m tools.generate` writes them, tests check that they are up to date.

    operator/embedding_operator/api/   → crds/                     the CustomResourceDefinitions
    crds/                              → charts/*/files/crds/      copies, because a chart cannot read other files
    charts/*/values.yaml               → charts/*/README.md        from the comments that start with "# --"
    charts/*                           → manifests/*.yaml          the chart's output for installation without Helm
    manifests/gpupools.yaml            → operator/embedding_operator/cli/gpupools.yaml    the command line's catalog

Needs Helm 4: the pinned one, which is put into the cache if it is not there.
"""
