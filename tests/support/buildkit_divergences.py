"""Scenarios of the BuildKit contract in which the doubles are known to differ, and why."""

from __future__ import annotations


def _by_name(reasons: dict[str, str]) -> dict[str, str]:
    return {name: reason for reason, names in reasons.items() for name in names.split()}


OF_DAEMON = _by_name(
    {
        "attestations say less": """
            attest/sbom-default-scanner
        """,
        "steps are done one after the other, and once for each build": """
            build/parallel-stages cancel/connection cancel/deadline cancel/solve cancel/status
            fail/two-at-once shared/cancel-first shared/session status/late-and-after
            status/unknown-ref
        """,
        "caches are neither imported nor exported": """
            buildctl/cache-local-export buildctl/cache-local-import buildctl/oci-layout-context
            buildctl/oci-layout-make cache/import-unknown-type
        """,
        "results of the gateway have no definition": """
            buildctl/dockerignore buildctl/failing-run buildctl/follow-link buildctl/outline
            buildctl/secret-missing buildctl/ssh-missing buildctl/success gateway/describe
            gateway/failing-run gateway/lint gateway/lint-unparsable gateway/outline
            gateway/outline-unparsable gateway/resolve-image gateway/solve-and-read
            gateway/subrequest-in-plain-solve gateway/targets gateway/unknown-subrequest
        """,
        "how exporters tell what they do": """
            buildctl/local buildctl/oci-not-tar buildctl/tar-and-metadata export/epoch-image
            export/image-bad-name export/image-no-name export/local export/local-epoch
            export/local-not-offered export/local-refused export/oci-not-tar
            export/session-exporter export/several export/tar-refused push/no-name
        """,
        "what is fetched by URL is no vertex of its own": """
            context/dockerfile-upload context/tar-upload
        """,
        "words of registries, and the order in which they are asked": """
            context/named-image fail/missing-base fail/unknown-stage pull/resolve-mode-pull
        """,
        "usage records and words of odd calls": """
            control/disk-usage control/list-workers control/odd-calls control/prune
        """,
        "another word or order": """
            fail/bad-attribute frontend/heredocs frontend/onbuild ssh/forward
        """,
        "COPY --link is one vertex": """
            frontend/copy-link
        """,
        "records of builds say less": """
            history/failure history/finalized history/success history/update
        """,
        "builds without a frontend, and inputs of one": """
            inputs/context-and-dockerfile inputs/context-local inputs/named llb/definition
            llb/garbage llb/local llb/nothing
        """,
        "warnings of a file whose check fails": """
            lint/attribute lint/error
        """,
        "one context for all platforms": """
            platform/two-local
        """,
    }
)
OF_ENGINE = _by_name(
    {
        "attestations say less": """
            attest/sbom-default-scanner
        """,
        "another word or order": """
            build/cold context/client-error fail/bad-attribute frontend/heredocs
            frontend/onbuild ssh/forward
        """,
        "steps are done one after the other, and once for each build": """
            build/parallel-stages cancel/connection cancel/deadline cancel/solve cancel/status
            fail/two-at-once shared/cancel-first shared/session status/late-and-after
            status/unknown-ref
        """,
        "results of the gateway have no definition": """
            buildctl/dockerignore buildctl/failing-run buildctl/follow-link buildctl/outline
            buildctl/secret-missing buildctl/ssh-missing buildctl/success gateway/describe
            gateway/failing-run gateway/lint gateway/lint-unparsable gateway/outline
            gateway/outline-unparsable gateway/resolve-image gateway/solve-and-read
            gateway/subrequest-in-plain-solve gateway/targets gateway/unknown-subrequest
        """,
        "how exporters tell what they do": """
            buildctl/local buildctl/tar-and-metadata export/epoch-image export/local
            export/local-epoch export/local-not-offered export/local-refused
            export/session-exporter export/several export/tar-refused
        """,
        "caches are neither imported nor exported": """
            cache/import-unknown-type
        """,
        "what is fetched by URL is no vertex of its own": """
            context/dockerfile-upload context/tar-upload
        """,
        "words of registries, and the order in which they are asked": """
            context/named-image fail/missing-base fail/unknown-stage pull/resolve-mode-pull
        """,
        "usage records and words of odd calls": """
            control/disk-usage control/list-workers control/odd-calls control/prune
        """,
        "records of builds say less": """
            history/failure history/finalized history/success history/update
        """,
        "builds without a frontend, and inputs of one": """
            inputs/context-and-dockerfile inputs/context-local inputs/named llb/definition
            llb/garbage llb/local llb/nothing
        """,
        "warnings of a file whose check fails": """
            lint/attribute lint/error
        """,
        "one context for all platforms": """
            platform/foreign-run platform/one-foreign platform/two platform/two-local
        """,
    }
)
