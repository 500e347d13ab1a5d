/**
 * What every image stands on: Google's distroless Node.js 24 on Debian 13, an index of linux/amd64 and linux/arm64, which has no shell and
 * no package manager and runs node as uid 65532. docs/decisions/images.md says how the digest is refreshed and checked.
 */
export const baseImage =
  'gcr.io/distroless/nodejs24-debian13:nonroot@sha256:9eeb7f5887d0e239e78264b06f7f11d2e14be534050481803a9e4728fcdd278e';

/** The one folder that a service may write to. Its owner must be the image's user, or Fargate mounts it for root alone. */
export const writableFolder = '/var/toolgate';

/** The Dockerfile of a service that listens on `port`: nothing runs while it is built, so it builds for ARM64 on any machine. */
export function dockerfile(port) {
  return `# Written by scripts/build.mjs. The digest is refreshed as docs/decisions/images.md of Toolgate says.
FROM ${baseImage}
ENV NODE_ENV=production
WORKDIR /app
COPY THIRD_PARTY_LICENSES.txt index.mjs ./
# The folder comes with its owner, which a volume at the same place takes over.
COPY --chown=65532:65532 var/ /var/
VOLUME ["${writableFolder}"]
USER 65532:65532
EXPOSE ${port}
CMD ["index.mjs"]
`;
}
