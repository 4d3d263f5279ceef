CREATE INDEX CONCURRENTLY "users_tenant" ON "users" USING btree ("tenant_id","id");--> statement-breakpoint
CREATE INDEX CONCURRENTLY "users_email_prefix" ON "users" USING btree ("tenant_id","email" text_pattern_ops,"id") WHERE email is not null;--> statement-breakpoint
CREATE INDEX CONCURRENTLY "users_not_open" ON "users" USING btree ("tenant_id","id") WHERE erased_at is null and (status = 'disabled' or deleted_at is not null);--> statement-breakpoint
CREATE INDEX CONCURRENTLY "users_roles" ON "users" USING gin ("roles") WHERE roles <> '{}';