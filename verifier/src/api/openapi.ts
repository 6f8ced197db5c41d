import { PROBLEM_TYPE, statusOf } from './problem.ts';
import { type ApiRoute, type JsonSchema, takesBytes } from './route.ts';
import { API_SCHEMAS, schemaRef } from './schemas.ts';

/** The OpenAPI 3.1 document of these routes. */
export function openApi(routes: readonly ApiRoute[], version: string): JsonSchema {
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'mtm-verifier', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    paths,
    components: {
      schemas: API_SCHEMAS,
      securitySchemes: { apiToken: { type: 'http', scheme: 'bearer' } },
    },
  };
}

function operation(route: ApiRoute): JsonSchema {
  return {
    operationId: operationId(route),
    summary: route.summary,
    security: route.open === true ? [] : [{ apiToken: [] }],
    parameters: [...pathParameters(route.path), ...queryParameters(route.query ?? {})],
    ...(route.body === undefined ? {} : { requestBody: { required: true, content: contentOf(route.body) } }),
    responses: { ...answersOf(route), default: { description: 'a problem', content: PROBLEM } },
  };
}

const PROBLEM: JsonSchema = { [PROBLEM_TYPE]: { schema: schemaRef('Problem') } };

function operationId({ method, path }: ApiRoute): string {
  const words = path.split('/').filter((part) => part !== '' && part !== 'v1');
  return [method.toLowerCase(), ...words.map((word) => word.replace(/[{}]/g, ''))].join('-');
}

function pathParameters(path: string): readonly JsonSchema[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => {
    return { name, in: 'path', required: true, schema: { type: 'string' } };
  });
}

function queryParameters(query: Readonly<Record<string, JsonSchema>>): readonly JsonSchema[] {
  return Object.entries(query).map(([name, schema]) => ({ name, in: 'query', required: false, schema }));
}

function contentOf(body: NonNullable<ApiRoute['body']>): JsonSchema {
  return takesBytes(body)
    ? { 'application/octet-stream': { schema: { type: 'string', format: 'binary', maxLength: body.maxBytes } } }
    : { 'application/json': { schema: body } };
}

function answersOf({ answers, problems = [] }: ApiRoute): Readonly<Record<string, JsonSchema>> {
  const told: Record<string, JsonSchema> = {};
  for (const code of problems) {
    const before = told[statusOf(code)]?.['description'];
    const description = typeof before === 'string' ? `${before}, ${code}` : code;
    told[statusOf(code)] = { description, content: PROBLEM };
  }
  for (const [status, { about, schema }] of Object.entries(answers)) {
    told[status] = {
      description: about,
      ...(schema === undefined ? {} : { content: { 'application/json': { schema } } }),
    };
  }
  return told;
}
