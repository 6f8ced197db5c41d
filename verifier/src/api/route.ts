import type { VerifierCode } from '../error.ts';
import type { ApiServices } from './services.ts';

/** A JSON Schema (draft 2020-12), as OpenAPI 3.1 takes it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

export interface ApiRequest {
  /** parts of the path, by name */
  readonly path: Readonly<Record<string, string>>;
  /** as it stands in the URL; every handler checks its own */
  readonly query: unknown;
  /** parsed JSON, or bytes where the route takes them */
  readonly body: unknown;
}

export interface ApiAnswer {
  readonly status: number;
  /** sent as JSON; a string as it is */
  readonly body?: unknown;
  /** where it is not JSON */
  readonly contentType?: string;
}

/** One address of the API. The server is built from these, and so is its OpenAPI document. */
export interface ApiRoute {
  readonly method: 'GET' | 'POST';
  /** `/v1/terminals/{terminal}` */
  readonly path: string;
  readonly summary: string;
  /** true where no token is asked for */
  readonly open?: boolean;
  readonly query?: Readonly<Record<string, JsonSchema>>;
  /** a JSON Schema, or bytes of at most so many */
  readonly body?: JsonSchema | { readonly maxBytes: number };
  readonly answers: Readonly<Record<number, { readonly about: string; readonly schema?: JsonSchema }>>;
  /** codes of the problems that are peculiar to it */
  readonly problems?: readonly VerifierCode[];
  handle(services: ApiServices, request: ApiRequest): Promise<ApiAnswer> | ApiAnswer;
}

export function takesBytes(body: ApiRoute['body']): body is { readonly maxBytes: number } {
  return body !== undefined && 'maxBytes' in body && typeof body['maxBytes'] === 'number';
}
