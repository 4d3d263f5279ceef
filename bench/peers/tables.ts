/** The tables that better-auth asks for, with the indexes that its docs name. */
export const BETTER_AUTH_TABLES = `
  create table "user" (id text primary key, name text not null, email text not null unique, "emailVerified" boolean not null,
    image text, "createdAt" timestamptz not null, "updatedAt" timestamptz);
  create table session (id text primary key, "expiresAt" timestamptz not null, token text not null unique, "ipAddress" text,
    "userAgent" text, "userId" text not null references "user" on delete cascade, "createdAt" timestamptz not null, "updatedAt" timestamptz);
  create index on session ("userId");
  create table account (id text primary key, "accountId" text not null, "providerId" text not null,
    "userId" text not null references "user" on delete cascade, "accessToken" text, "refreshToken" text, "idToken" text,
    "accessTokenExpiresAt" timestamptz, "refreshTokenExpiresAt" timestamptz, scope text, password text,
    "createdAt" timestamptz not null, "updatedAt" timestamptz);
  create index on account ("userId");
  create table verification (id text primary key, identifier text not null, value text not null, "expiresAt" timestamptz not null,
    "createdAt" timestamptz not null, "updatedAt" timestamptz);
  create index on verification (identifier);
  create table "rateLimit" (id text primary key, key text not null unique, count integer not null, "lastRequest" bigint not null);
  create table jwks (id text primary key, "publicKey" text not null, "privateKey" text not null, "createdAt" timestamptz not null,
    "expiresAt" timestamptz, alg text, crv text);`
