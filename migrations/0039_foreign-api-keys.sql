ALTER TABLE "api_keys" ADD COLUMN "is_foreign" boolean DEFAULT false NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "api_keys_foreign" ON "api_keys" USING btree ("tenant_id","hash") WHERE is_foreign;--> statement-breakpoint
CREATE INDEX "api_keys_foreign_previous" ON "api_keys" USING btree ("tenant_id","previous_hash") WHERE is_foreign;