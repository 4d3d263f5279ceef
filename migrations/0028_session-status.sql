CREATE SEQUENCE "public"."session_status" INCREMENT BY 1 MINVALUE 0 MAXVALUE 9223372036854775807 START WITH 0 CACHE 1;--> statement-breakpoint
-- In two steps: with its default at once, PostgreSQL would write every row of the table anew.
ALTER TABLE "sessions" ADD COLUMN "status_index" bigint;--> statement-breakpoint
ALTER TABLE "sessions" ALTER COLUMN "status_index" SET DEFAULT nextval('session_status');