"""Scenarios of the BuildKit contract in which the doubles are known to differ, and why."""

from __future__ import annotations


def _by_name(reasons: dict[str, str]) -> dict[str, str]:
    return {name: reason for reason, names in reasons.items() for name in names.split()}


OF_DAEMON = _by_name(
    {
        "attestations say less": """
            attest/sbom-default-scanner
        """,
        "what is told of caches that are handed on": """
            buildctl/cache-local-export buildctl/cache-local-import buildctl/oci-layout-context
            buildctl/oci-layout-make cache/import-unknown-type
        """,
        "what is fetched by URL is no vertex of its own": """
            context/dockerfile-upload context/tar-upload
        """,
        "words of registries, and the order in which they are asked": """
            context/named-image fail/missing-base fail/unknown-stage pull/resolve-mode-pull
        """,
        "usage records and words of odd calls": """
            control/disk-usage control/odd-calls control/prune
        """,
        "how exporters tell what they do": """
            export/epoch-image export/image-no-name export/oci-not-tar
            export/session-exporter export/several push/no-name
        """,
        "another word or order": """
            fail/bad-attribute frontend/heredocs frontend/onbuild ssh/forward
        """,
        "steps are done one after the other, and once for each build": """
            fail/two-at-once shared/cancel-first shared/session
        """,
        "COPY --link is one vertex": """
            frontend/copy-link
        """,
        "calls of the gateway that the double has not": """
            gateway/resolve-image gateway/solve-and-read
        """,
        "records of builds say less": """
            history/failure history/finalized
        """,
        "vertices of definitions and of inputs": """
            inputs/context-and-dockerfile inputs/context-local inputs/named llb/definition
            llb/garbage llb/local
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
        "what is told of caches that are handed on": """
            cache/import-unknown-type
        """,
        "steps are done one after the other, and once for each build": """
            cancel/deadline fail/two-at-once shared/cancel-first shared/session
        """,
        "what is fetched by URL is no vertex of its own": """
            context/dockerfile-upload context/tar-upload
        """,
        "words of registries, and the order in which they are asked": """
            context/named-image fail/missing-base fail/unknown-stage pull/resolve-mode-pull
        """,
        "usage records and words of odd calls": """
            control/disk-usage control/odd-calls control/prune
        """,
        "how exporters tell what they do": """
            export/epoch-image export/local-not-offered export/session-exporter export/several
        """,
        "calls of the gateway that the double has not": """
            gateway/resolve-image gateway/solve-and-read
        """,
        "records of builds say less": """
            history/failure history/finalized history/success history/update
        """,
        "vertices of definitions and of inputs": """
            inputs/context-and-dockerfile inputs/context-local inputs/named llb/definition
            llb/garbage llb/local llb/nothing
        """,
        "one context for all platforms": """
            platform/foreign-run platform/one-foreign platform/two platform/two-local
        """,
    }
)
OF_CONTENT_ENGINE = _by_name(
    {
        "attestations say less": """
            attest/sbom-default-scanner
        """,
        "another word or order": """
            context/client-error fail/bad-attribute frontend/heredocs frontend/onbuild ssh/forward
        """,
        "what is told of caches that are handed on": """
            buildctl/cache-local-export buildctl/cache-local-import buildctl/oci-layout-context
            buildctl/oci-layout-make cache/import-unknown-type
        """,
        "steps are done one after the other, and once for each build": """
            fail/two-at-once shared/cancel-first shared/session
        """,
        "what is fetched by URL is no vertex of its own": """
            context/dockerfile-upload context/tar-upload
        """,
        "words of registries, and the order in which they are asked": """
            context/named-image fail/missing-base fail/unknown-stage pull/resolve-mode-pull
        """,
        "usage records and words of odd calls": """
            control/disk-usage control/odd-calls control/prune
        """,
        "how exporters tell what they do": """
            export/epoch-image export/image-no-name export/local-not-offered export/oci-not-tar
            export/session-exporter export/several push/no-name
        """,
        "COPY --link is one vertex": """
            frontend/copy-link
        """,
        "calls of the gateway that the double has not": """
            gateway/resolve-image gateway/solve-and-read
        """,
        "records of builds say less": """
            history/failure history/finalized history/success
        """,
        "vertices of definitions and of inputs": """
            inputs/context-and-dockerfile inputs/context-local inputs/named llb/definition
            llb/garbage llb/local
        """,
        "one context for all platforms, and one image of a name in the seeded hub": """
            platform/foreign-run platform/one-foreign platform/two-local
        """,
    }
)
