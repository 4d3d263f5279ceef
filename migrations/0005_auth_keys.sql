CREATE TABLE "auth_keys" (
	"key_id" text PRIMARY KEY NOT NULL,
	"added_at" timestamp with time zone DEFAULT now() NOT NULL,
	"in_use_since" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "deployed_keyrings" (
	"worker" text NOT NULL,
	"key_ids" text NOT NULL,
	"seen_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "deployed_keyrings_worker_key_ids_pk" PRIMARY KEY("worker","key_ids")
);
