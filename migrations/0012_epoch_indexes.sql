CREATE INDEX CONCURRENTLY "users_ending" ON "users" USING btree ("id") WHERE ending_reason is not null;--> statement-breakpoint
CREATE INDEX CONCURRENTLY "sessions_history" ON "sessions" USING btree ("user_id","id");--> statement-breakpoint
DROP INDEX CONCURRENTLY IF EXISTS "sessions_owner";
