"""Scenarios of the BuildKit contract in which the doubles are known to differ, and why."""

from __future__ import annotations


def _by_name(reasons: dict[str, str]) -> dict[str, str]:
    return {name: reason for reason, names in reasons.items() for name in names.split()}


OF_DAEMON = _by_name(
    {
        "another word or order": """
            frontend/onbuild
        """,
        "how exporters tell what they do": """
            export/oci-not-tar
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
            control/disk-usage control/prune
        """,
        "vertices of definitions and of inputs": """
            inputs/context-and-dockerfile inputs/context-local
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
            build/cold context/client-error
        """,
        "calls of the gateway that the double has not": """
            gateway/solve-and-read
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
            control/disk-usage control/prune
        """,
        "vertices of definitions and of inputs": """
            inputs/context-and-dockerfile inputs/context-local llb/nothing
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
            context/client-error
        """,
        "calls of the gateway that the double has not": """
            gateway/solve-and-read
        """,
        "how exporters tell what they do": """
            buildctl/push-basic export/local-not-offered export/oci-not-tar export/session-exporter
            export/several
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
            buildctl/push-bearer pull/bearer push/bearer push/bearer-fetch-token push/bearer-wrong
        """,
        "usage records and words of odd calls": """
            control/disk-usage control/prune
        """,
        "vertices of definitions and of inputs": """
            inputs/context-and-dockerfile inputs/context-local
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
OF_STORED_20 = _by_name(
    {
        "names of vertices in 20.10, and the order of its calls": """
            build/again-cached build/attributes build/cold build/no-cache build/one-step
            build/unused-stage export/docker export/epoch-image export/image export/image-bad-name
            export/image-no-name export/image-no-store export/image-two-names export/local-epoch
            export/moby export/moby-again export/moby-no-name export/none export/oci
            export/oci-not-tar export/of-failed-build export/session-exporter export/tar
            export/tar-refused frontend/add-git frontend/add-http frontend/add-http-404
            frontend/add-http-again frontend/add-http-auth frontend/copy-link frontend/heredocs
            frontend/onbuild frontend/scratch-workdir lint/attribute lint/cached lint/error
            lint/skip-all lint/warnings mount/cache-first mount/cache-second mount/tmpfs
            output/empty output/slow-line secret/env secret/missing-required ssh/none-optional
            ssh/unknown-id
        """,
    }
)
OF_STORED_26 = _by_name(
    {
        "another word or order": """
            build/cold build/no-cache-stage context/client-error context/unknown-dir
            fail/bad-attribute fail/entitlement fail/method-not-offered fail/parse-error
            fail/parse-flag fail/run-not-found fail/unknown-target fail/unreachable-registry
            frontend/onbuild secret/env secret/file
        """,
        "calls of the gateway that the double has not": """
            buildctl/dockerignore buildctl/failing-run buildctl/follow-link buildctl/outline
            buildctl/secret-missing buildctl/ssh-missing buildctl/success gateway/describe
            gateway/failing-run gateway/lint gateway/lint-unparsable gateway/outline
            gateway/outline-unparsable gateway/resolve-image gateway/solve-and-read gateway/targets
            gateway/unknown-subrequest
        """,
        "how exporters tell what they do": """
            buildctl/local buildctl/tar-and-metadata export/local-not-offered export/moby-no-name
        """,
        "named contexts that are images": """
            context/named-image
        """,
        "no repository is asked": """
            frontend/add-git
        """,
        "one context for all platforms, and one image for a name of the seeded hub": """
            platform/foreign-run platform/one-foreign platform/two
        """,
        "recorded of a daemon that had done the same before": """
            push/moby
        """,
        "records of builds say less": """
            history/failure
        """,
        "steps are done one after the other, and once for each build": """
            build/parallel-stages cancel/connection fail/two-at-once shared/cancel-first
            shared/session
        """,
        "usage records and words of odd calls": """
            control/list-workers control/prune
        """,
        "what is told of attestations": """
            attest/sbom-default-scanner attest/sbom-no-scanner
        """,
        "what is told of layers of a cache that come": """
            cache/import-missing
        """,
        "words of registries, and what is pulled once more": """
            fail/missing-base fail/syntax-image fail/unknown-stage pull/resolve-mode-pull
        """,
    }
)
OF_STORED_28 = _by_name(
    {
        "another word or order": """
            build/cold context/client-error context/tar-upload fail/unreachable-registry
            frontend/onbuild
        """,
        "calls of the gateway that the double has not": """
            gateway/resolve-image gateway/solve-and-read
        """,
        "how exporters tell what they do": """
            export/moby-no-name export/session-exporter export/several
        """,
        "no repository is asked": """
            frontend/add-git
        """,
        "one context for all platforms, and one image for a name of the seeded hub": """
            platform/foreign-run platform/one-foreign
        """,
        "recorded of a daemon that had done the same before": """
            export/epoch-image
        """,
        "records of builds say less": """
            history/finalized
        """,
        "steps are done one after the other, and once for each build": """
            cancel/connection cancel/deadline fail/two-at-once shared/cancel-first shared/session
        """,
        "usage records and words of odd calls": """
            control/disk-usage
        """,
        "warnings of a file whose check fails": """
            lint/warnings
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
OF_STORED_CONTENT = _by_name(
    {
        "another word or order": """
            build/cold fail/unreachable-registry frontend/onbuild mount/cache-first
        """,
        "how exporters tell what they do": """
            export/session-exporter export/several push/basic-no-service push/basic-none
            push/basic-wrong push/denied push/unreachable
        """,
        "no repository is asked": """
            frontend/add-git
        """,
        "one context for all platforms, and one image for a name of the seeded hub": """
            platform/foreign-run platform/one-foreign platform/two
        """,
        "recorded of a daemon that had done the same before": """
            export/epoch-image
        """,
        "steps are done one after the other, and once for each build": """
            cancel/connection shared/cancel-first shared/session
        """,
        "tokens are fetched by the daemon, not by the client": """
            push/bearer push/bearer-wrong
        """,
        "warnings of a file whose check fails": """
            lint/warnings
        """,
        "what is told of attestations": """
            attest/sbom-default-scanner
        """,
        "what is told of layers of a cache that come": """
            cache/export-ignore-error cache/export-refused cache/export-registry
            cache/import-inline cache/import-missing cache/import-registry
        """,
        "what is told of pulling, and how often who asks": """
            pull/basic-none
        """,
        "words of registries, and what is pulled once more": """
            fail/missing-base fail/unknown-stage pull/resolve-mode-pull
        """,
    }
)
