CREATE TABLE "one_time_tokens" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant_id" uuid NOT NULL,
	"user_id" uuid,
	"purpose" text NOT NULL,
	"holder" text NOT NULL,
	"subject" text,
	"hash" "bytea" NOT NULL,
	"key_id" text NOT NULL,
	"flow_id" uuid,
	"grants" text[] DEFAULT '{}' NOT NULL,
	"code_hash" "bytea",
	"browser_hash" "bytea",
	"attempts" smallint DEFAULT 0 NOT NULL,
	"failures" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"consumed_at" timestamp with time zone,
	CONSTRAINT "one_time_tokens_hash_length" CHECK (length("one_time_tokens"."hash") = 32)
);
--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "operational_mail" boolean DEFAULT true NOT NULL;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "erased_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "one_time_tokens" ADD CONSTRAINT "one_time_tokens_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "one_time_tokens" ADD CONSTRAINT "one_time_tokens_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "one_time_tokens_newest" ON "one_time_tokens" USING btree ("tenant_id","purpose","holder");--> statement-breakpoint
CREATE UNIQUE INDEX "one_time_tokens_hash" ON "one_time_tokens" USING btree ("hash");--> statement-breakpoint
CREATE INDEX "one_time_tokens_user" ON "one_time_tokens" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "one_time_tokens_expires" ON "one_time_tokens" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "events_subject" ON "events" USING btree ("subject") WHERE subject is not null;--> statement-breakpoint
CREATE INDEX "mails_of_recipient" ON "mails" USING btree ("user_id","settled_at");--> statement-breakpoint
CREATE INDEX "sessions_owner" ON "sessions" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "users_admins" ON "users" USING btree ("tenant_id") WHERE 'admin' = any(roles);--> statement-breakpoint
CREATE INDEX "users_to_erase" ON "users" USING btree ("deleted_at") WHERE deleted_at is not null and erased_at is null;--> statement-breakpoint
-- `verify-first` is the default of new tenants; those that are here go on as they were.
UPDATE "tenants" SET "settings" = '{"registration": "sign-in-at-once"}'::jsonb || "settings";
