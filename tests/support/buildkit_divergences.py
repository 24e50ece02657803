"""Scenarios of the BuildKit contract in which the doubles are known to differ, and why."""

from __future__ import annotations


def _by_name(reasons: dict[str, str]) -> dict[str, str]:
    return {name: reason for reason, names in reasons.items() for name in names.split()}


OF_DAEMON = _by_name(
    {
        "another word or order": """
            frontend/onbuild
        """,
        "calls of the gateway that the double has not": """
            gateway/resolve-image gateway/solve-and-read
        """,
        "how exporters tell what they do": """
            export/oci-not-tar export/session-exporter
        """,
        "no repository is asked": """
            frontend/add-git
        """,
        "nothing speaks to an agent": """
            ssh/forward
        """,
        "one context for all platforms, and one image for a name of the seeded hub": """
            platform/two platform/two-local
        """,
        "recorded of a daemon that had done the same before": """
            export/epoch-image pull/plain-http push/open
        """,
        "records of builds say less": """
            history/failure history/finalized
        """,
        "steps are done one after the other, and once for each build": """
            fail/two-at-once shared/cancel-first shared/session
        """,
        "tokens are fetched by the daemon, not by the client": """
            buildctl/push-bearer push/bearer push/bearer-fetch-token push/bearer-wrong
        """,
        "usage records and words of odd calls": """
            control/disk-usage control/odd-calls control/prune
        """,
        "vertices of definitions and of inputs": """
            inputs/context-and-dockerfile inputs/context-local inputs/named llb/definition
            llb/garbage llb/local
        """,
        "what is told of attestations": """
            attest/sbom-default-scanner
        """,
        "what is told of layers of a cache that come": """
            buildctl/cache-local-export buildctl/cache-local-import buildctl/oci-layout-context
            buildctl/oci-layout-make cache/import-registry
        """,
        "words of registries, and what is pulled once more": """
            fail/missing-base fail/unknown-stage pull/resolve-mode-pull
        """,
    }
)
OF_ENGINE = _by_name(
    {
        "another word or order": """
            build/cold context/client-error frontend/onbuild
        """,
        "calls of the gateway that the double has not": """
            gateway/resolve-image gateway/solve-and-read
        """,
        "how exporters tell what they do": """
            export/local-not-offered export/session-exporter export/several
        """,
        "named contexts that are images": """
            context/named-image
        """,
        "no repository is asked": """
            frontend/add-git
        """,
        "nothing speaks to an agent": """
            ssh/forward
        """,
        "one context for all platforms, and one image for a name of the seeded hub": """
            platform/foreign-run platform/one-foreign platform/two platform/two-local
        """,
        "recorded of a daemon that had done the same before": """
            export/epoch-image pull/plain-http push/moby
        """,
        "records of builds say less": """
            history/failure history/finalized history/success history/update
        """,
        "steps are done one after the other, and once for each build": """
            cancel/deadline fail/two-at-once shared/cancel-first shared/session
        """,
        "usage records and words of odd calls": """
            control/disk-usage control/odd-calls control/prune
        """,
        "vertices of definitions and of inputs": """
            inputs/context-and-dockerfile inputs/context-local inputs/named llb/definition
            llb/garbage llb/local llb/nothing
        """,
        "what is told of attestations": """
            attest/sbom-default-scanner
        """,
        "what is told of layers of a cache that come": """
            cache/import-missing
        """,
        "words of registries, and what is pulled once more": """
            fail/missing-base fail/unknown-stage pull/resolve-mode-pull
        """,
    }
)
OF_CONTENT_ENGINE = _by_name(
    {
        "another word or order": """
            context/client-error frontend/onbuild
        """,
        "calls of the gateway that the double has not": """
            gateway/resolve-image gateway/solve-and-read
        """,
        "how exporters tell what they do": """
            buildctl/push-basic export/local-not-offered export/oci-not-tar
            export/session-exporter export/several push/basic-no-service push/basic-none
            push/basic-wrong push/unreachable
        """,
        "no repository is asked": """
            frontend/add-git
        """,
        "nothing speaks to an agent": """
            ssh/forward
        """,
        "one context for all platforms, and one image for a name of the seeded hub": """
            platform/foreign-run platform/one-foreign platform/two platform/two-local
        """,
        "recorded of a daemon that had done the same before": """
            export/epoch-image pull/plain-http push/open
        """,
        "records of builds say less": """
            history/failure history/finalized history/success
        """,
        "steps are done one after the other, and once for each build": """
            fail/two-at-once shared/cancel-first shared/session
        """,
        "tokens are fetched by the daemon, not by the client": """
            buildctl/push-bearer pull/bearer push/bearer push/bearer-fetch-token
            push/bearer-wrong
        """,
        "usage records and words of odd calls": """
            control/disk-usage control/odd-calls control/prune
        """,
        "vertices of definitions and of inputs": """
            inputs/context-and-dockerfile inputs/context-local inputs/named llb/definition
            llb/garbage llb/local
        """,
        "what is told of attestations": """
            attest/sbom-default-scanner
        """,
        "what is told of layers of a cache that come": """
            buildctl/cache-local-export buildctl/cache-local-import buildctl/oci-layout-context
            buildctl/oci-layout-make cache/export-ignore-error cache/export-refused
            cache/export-registry cache/import-inline cache/import-missing cache/import-registry
        """,
        "words of registries, and what is pulled once more": """
            fail/missing-base fail/unknown-stage pull/resolve-mode-pull
        """,
    }
)
OF_STORED_20 = _by_name({})
OF_STORED_26 = _by_name({})
OF_STORED_28 = _by_name({})
OF_STORED_CONTENT = _by_name({})
