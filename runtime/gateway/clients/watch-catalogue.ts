export { watchCatalogue } from '../../shared/watch-catalogue.ts';
