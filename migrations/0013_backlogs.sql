CREATE TABLE "backlogs" (
	"kind" text PRIMARY KEY NOT NULL,
	"runs" integer DEFAULT 1 NOT NULL,
	"since" timestamp with time zone DEFAULT now() NOT NULL,
	"counted_at" timestamp with time zone DEFAULT now() NOT NULL
);
