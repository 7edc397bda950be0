"""Everything in the repository that is made from something else: `python -m tools.generate` writes it, tests compare.

    operator/embedding_operator/api/   → crds/                     the CustomResourceDefinitions
    crds/                              → charts/*/files/crds/      copies, because a chart can not reach outside itself
    charts/*/values.yaml               → charts/*/README.md        from the comments that start with "# --"
    charts/*                           → manifests/*.yaml          the chart's output for those who do not use Helm
    manifests/gpupools.yaml            → operator/embedding_operator/cli/gpupools.yaml    what the command line knows

Needs Helm 4: the program that `HELM` names, else the one that the test clusters built, else `helm` on the PATH.
"""
