-- For a main database whose audit log has a database of its own (ops/audit-place.ts). A Worker without AUDIT_DATABASE_URL
-- would go on with what is left here, and nobody would notice; so it finds nothing, and says what it lacks.
ALTER TABLE IF EXISTS "audit_heads" RENAME TO "audit_heads_moved";
--> statement-breakpoint
ALTER TABLE IF EXISTS "audit_events" RENAME TO "audit_events_moved";
