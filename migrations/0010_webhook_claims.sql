CREATE INDEX CONCURRENTLY "webhook_deliveries_next" ON "webhook_deliveries" USING btree ("endpoint_id","next_attempt_at","id") WHERE state = 'pending';--> statement-breakpoint
CREATE INDEX CONCURRENTLY "webhook_deliveries_claimed" ON "webhook_deliveries" USING btree ("endpoint_id","claimed_until") WHERE state = 'pending' and claimed_until is not null;--> statement-breakpoint
CREATE INDEX CONCURRENTLY "webhook_deliveries_expiring" ON "webhook_deliveries" USING btree ("endpoint_id","expires_at") WHERE state = 'pending';--> statement-breakpoint
DROP INDEX CONCURRENTLY "webhook_deliveries_due";
