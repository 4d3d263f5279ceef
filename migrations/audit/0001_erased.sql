-- Whose key an erasure has just destroyed: a batch of events that was on the way meanwhile stores no network of theirs.
-- A row is needed for as long as a batch can take, and holds no more than the id, which stays in the log anyway.
CREATE TABLE "audit_erased" (
	"user_id" uuid PRIMARY KEY NOT NULL,
	"erased_at" timestamp with time zone DEFAULT now() NOT NULL
);
