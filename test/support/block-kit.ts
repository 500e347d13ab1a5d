export { blockKitFaults, viewFaults } from '../../runtime/local/slack-channel/block-kit-faults.ts';
