import * as assets from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { type ImageName, imageDirectory } from './assets.ts';

/** The images that come with Toolgate, built on the machine that deploys: a base image by digest and files, no shell and no network. */
export class ToolgateImage {
  /** The door itself. */
  static gateway(): ecs.ContainerImage {
    return fromPackage('gateway');
  }

  /** Where MCP clients get their tokens. */
  static authorization(): ecs.ContainerImage {
    return fromPackage('authorization');
  }

  /** Where people say yes or no. */
  static approvals(): ecs.ContainerImage {
    return fromPackage('approvals');
  }

  /** Brings the catalogue to what stacks declare. */
  static registry(): ecs.ContainerImage {
    return fromPackage('registry');
  }

  /** The tool server that reads PostgreSQL and lists buckets, see `docs/tools.md`. */
  static readServer(): ecs.ContainerImage {
    return fromPackage('read');
  }

  /** The tool server that changes rows in PostgreSQL, each time a person agrees. */
  static writeServer(): ecs.ContainerImage {
    return fromPackage('write');
  }

  private constructor() {}
}

function fromPackage(name: ImageName): ecs.ContainerImage {
  return ecs.ContainerImage.fromAsset(imageDirectory(name), { platform: assets.Platform.LINUX_ARM64 });
}
