ALTER TABLE "mfa_challenges" ADD COLUMN "is_by_email" boolean DEFAULT true NOT NULL;--> statement-breakpoint
ALTER TABLE "mfa_challenges" ADD COLUMN "code_id" uuid;--> statement-breakpoint
ALTER TABLE "mfa_challenges" ADD COLUMN "code_key_id" text;--> statement-breakpoint
ALTER TABLE "mfa_challenges" ADD COLUMN "codes_sent" smallint DEFAULT 0 NOT NULL;