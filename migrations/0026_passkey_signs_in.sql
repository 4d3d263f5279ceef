ALTER TABLE "passkeys" ADD COLUMN "second_factor_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "passkeys" ADD COLUMN "signs_in" boolean DEFAULT true NOT NULL;