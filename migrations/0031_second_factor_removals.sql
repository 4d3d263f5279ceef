CREATE TABLE "second_factor_removals" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant_id" uuid NOT NULL,
	"user_id" uuid NOT NULL,
	"requested_by" uuid NOT NULL,
	"reason" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"due_at" timestamp with time zone NOT NULL,
	"settled_at" timestamp with time zone,
	"outcome" text,
	CONSTRAINT "second_factor_removals_settled_with" CHECK (("second_factor_removals"."settled_at" is null) = ("second_factor_removals"."outcome" is null))
);
--> statement-breakpoint
ALTER TABLE "tenants" DROP CONSTRAINT "tenants_settings";--> statement-breakpoint
ALTER TABLE "second_factor_removals" ADD CONSTRAINT "second_factor_removals_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "second_factor_removals" ADD CONSTRAINT "second_factor_removals_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "second_factor_removals_pending" ON "second_factor_removals" USING btree ("user_id") WHERE settled_at is null;--> statement-breakpoint
CREATE INDEX "second_factor_removals_due" ON "second_factor_removals" USING btree ("due_at") WHERE settled_at is null;--> statement-breakpoint
CREATE INDEX "second_factor_removals_listed" ON "second_factor_removals" USING btree ("tenant_id","id") WHERE settled_at is null;--> statement-breakpoint
CREATE INDEX "second_factor_removals_user" ON "second_factor_removals" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "second_factor_removals_settled" ON "second_factor_removals" USING btree ("settled_at") WHERE settled_at is not null;--> statement-breakpoint
ALTER TABLE "tenants" ADD CONSTRAINT "tenants_settings" CHECK (jsonb_typeof(settings) = 'object' and (not settings ? 'erasure_days' or case when jsonb_typeof(settings -> 'erasure_days') = 'number'
      then (settings -> 'erasure_days')::numeric between 0 and 365 and (settings -> 'erasure_days')::numeric % 1 = 0 else false end) and (not settings ? 'unproved_account_days' or case when jsonb_typeof(settings -> 'unproved_account_days') = 'number'
      then (settings -> 'unproved_account_days')::numeric between 1 and 365 and (settings -> 'unproved_account_days')::numeric % 1 = 0 else false end) and (not settings ? 'password_min_length' or case when jsonb_typeof(settings -> 'password_min_length') = 'number'
      then (settings -> 'password_min_length')::numeric between 8 and 64 and (settings -> 'password_min_length')::numeric % 1 = 0 else false end) and (not settings ? 'password_max_bytes' or case when jsonb_typeof(settings -> 'password_max_bytes') = 'number'
      then (settings -> 'password_max_bytes')::numeric between 256 and 1024 and (settings -> 'password_max_bytes')::numeric % 1 = 0 else false end) and (not settings ? 'access_token_seconds' or case when jsonb_typeof(settings -> 'access_token_seconds') = 'number'
      then (settings -> 'access_token_seconds')::numeric between 60 and 3600 and (settings -> 'access_token_seconds')::numeric % 1 = 0 else false end) and (not settings ? 'session_idle_seconds' or case when jsonb_typeof(settings -> 'session_idle_seconds') = 'number'
      then (settings -> 'session_idle_seconds')::numeric between 300 and 7776000 and (settings -> 'session_idle_seconds')::numeric % 1 = 0 else false end) and (not settings ? 'session_absolute_seconds' or case when jsonb_typeof(settings -> 'session_absolute_seconds') = 'number'
      then (settings -> 'session_absolute_seconds')::numeric between 600 and 31536000 and (settings -> 'session_absolute_seconds')::numeric % 1 = 0 else false end) and (not settings ? 'second_factor_grace_sign_ins' or case when jsonb_typeof(settings -> 'second_factor_grace_sign_ins') = 'number'
      then (settings -> 'second_factor_grace_sign_ins')::numeric between 1 and 1000 and (settings -> 'second_factor_grace_sign_ins')::numeric % 1 = 0 else false end) and (not settings ? 'second_factor_removal_hours' or case when jsonb_typeof(settings -> 'second_factor_removal_hours') = 'number'
      then (settings -> 'second_factor_removal_hours')::numeric between 12 and 720 and (settings -> 'second_factor_removal_hours')::numeric % 1 = 0 else false end) and (not settings ? 'max_sessions' or case when jsonb_typeof(settings -> 'max_sessions') = 'number'
      then (settings -> 'max_sessions')::numeric between 1 and 500 and (settings -> 'max_sessions')::numeric % 1 = 0 else false end) and (not settings ? 'registration' or settings -> 'registration' in ('"verify-first"', '"sign-in-at-once"')) and (not settings ? 'second_factor' or settings -> 'second_factor' in ('"off"', '"optional"', '"required_for_roles"', '"required"'))) NOT VALID;