ALTER TABLE "users" DROP COLUMN "consecutive_failures";--> statement-breakpoint
ALTER TABLE "users" DROP COLUMN "next_attempt_at";