CREATE TABLE "foreign_key_secrets" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant_id" uuid NOT NULL,
	"name" text NOT NULL,
	"sealed_secret" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "foreign_secret_id" uuid;--> statement-breakpoint
ALTER TABLE "foreign_key_secrets" ADD CONSTRAINT "foreign_key_secrets_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "foreign_key_secrets_name" ON "foreign_key_secrets" USING btree ("tenant_id","name");--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_foreign_secret_id_foreign_key_secrets_id_fk" FOREIGN KEY ("foreign_secret_id") REFERENCES "public"."foreign_key_secrets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "api_keys_unused" ON "api_keys" USING btree ("foreign_secret_id") WHERE foreign_secret_id is not null;