import type { JsonObject } from '../../contract/json.ts';

const relations: JsonObject = {
  type: 'array',
  items: {
    type: 'object',
    properties: { schema: { type: 'string' }, table: { type: 'string' } },
    required: ['schema', 'table'],
    additionalProperties: false,
  },
};

/** The output schema of a query: its columns, each with the origin that masking binds to, and its rows. */
export const tableSchema: JsonObject = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  properties: {
    columns: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          name: { type: 'string' },
          type: { type: 'string' },
          origin: {
            oneOf: [
              {
                type: 'object',
                properties: {
                  kind: { const: 'column' },
                  schema: { type: 'string' },
                  table: { type: 'string' },
                  column: { type: 'string' },
                },
                required: ['kind', 'schema', 'table', 'column'],
                additionalProperties: false,
              },
              {
                type: 'object',
                properties: { kind: { const: 'computed' }, relations, count_only: { type: 'boolean' } },
                required: ['kind', 'relations', 'count_only'],
                additionalProperties: false,
              },
            ],
          },
        },
        required: ['name', 'type', 'origin'],
        additionalProperties: false,
      },
    },
    rows: {
      type: 'array',
      items: { type: 'array', items: { type: ['string', 'number', 'boolean', 'null'] } },
    },
    row_count: { type: 'integer', minimum: 0 },
    steered_by: {
      type: 'array',
      description: 'Columns on whose values it depends which rows there are; a null column is any of the table.',
      items: {
        type: 'object',
        properties: { schema: { type: 'string' }, table: { type: 'string' }, column: { type: ['string', 'null'] } },
        required: ['schema', 'table', 'column'],
        additionalProperties: false,
      },
    },
    truncated: { type: 'boolean', description: 'True when there are more rows than were returned.' },
  },
  required: ['columns', 'rows', 'row_count', 'steered_by', 'truncated'],
  additionalProperties: false,
};
