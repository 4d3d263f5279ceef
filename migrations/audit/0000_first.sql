-- The audit log (AUDIT_DATABASE_URL, or the main database): one chain of hashes per tenant. It names no table of the
-- main database, so that it can live elsewhere. Written by src/events/audit-store.ts, read by src/admin/store.ts.
CREATE TABLE "audit_heads" (
	"tenant_id" uuid PRIMARY KEY NOT NULL,
	-- The newest row of the tenant's chain: what the next one builds on, and what tells that rows were cut off.
	"sequence" bigint NOT NULL,
	"hash" bytea NOT NULL,
	-- The newest row that retention dropped: where the chain begins now.
	"dropped_sequence" bigint DEFAULT 0 NOT NULL,
	"dropped_hash" bytea NOT NULL
);
--> statement-breakpoint
CREATE TABLE "audit_events" (
	"id" uuid NOT NULL,
	-- In milliseconds, as the hash and the cursors say it.
	"occurred_at" timestamp (3) with time zone NOT NULL,
	"tenant_id" uuid NOT NULL,
	"sequence" bigint NOT NULL,
	"type" text NOT NULL,
	"actor" uuid,
	"subject" uuid,
	"session_ids" uuid[] DEFAULT '{}' NOT NULL,
	"data" jsonb NOT NULL,
	-- Address, place, device: sealed under the subject's key, or, where there is no subject, under the deployment's.
	"personal" text,
	-- For finding by address; outside the chain, so that erasure can clear it.
	"network" cidr,
	"previous_hash" bytea NOT NULL,
	"hash" bytea NOT NULL,
	PRIMARY KEY ("id", "occurred_at")
) PARTITION BY RANGE ("occurred_at");
--> statement-breakpoint
CREATE INDEX "audit_events_tenant" ON "audit_events" ("tenant_id", "occurred_at", "id");
--> statement-breakpoint
CREATE INDEX "audit_events_sequence" ON "audit_events" ("tenant_id", "sequence");
--> statement-breakpoint
CREATE INDEX "audit_events_type" ON "audit_events" ("tenant_id", "type", "occurred_at", "id");
--> statement-breakpoint
CREATE INDEX "audit_events_subject" ON "audit_events" ("subject", "occurred_at", "id");
--> statement-breakpoint
CREATE INDEX "audit_events_actor" ON "audit_events" ("actor", "occurred_at", "id");
--> statement-breakpoint
CREATE INDEX "audit_events_network" ON "audit_events" ("tenant_id", "network", "occurred_at", "id");
--> statement-breakpoint
CREATE INDEX "audit_events_sessions" ON "audit_events" USING gin ("session_ids");
--> statement-breakpoint
-- What no month takes: an event is never refused because its partition is missing.
CREATE TABLE "audit_events_other" PARTITION OF "audit_events" DEFAULT;
