/**
 * @peculiar/x509 brings an injector that refuses to load without the Reflect metadata functions of an old decorator proposal. It only ever
 * asks for constructor parameter types, which no compiler writes here, and falls back on its own registry.
 */
interface Metadata {
  getMetadata?: () => undefined;
  getOwnMetadata?: () => undefined;
  defineMetadata?: () => void;
}

const reflect = Reflect as Metadata;
reflect.getMetadata ??= () => undefined;
reflect.getOwnMetadata ??= () => undefined;
reflect.defineMetadata ??= () => {};
