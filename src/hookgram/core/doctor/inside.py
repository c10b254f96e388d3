"""The findings about this side: settings, store, platform, and the doctor itself."""

from __future__ import annotations

from hookgram.core.doctor.kind import Kind, Level

_OK, _NOTE, _WARNING, _PROBLEM = Level.OK, Level.NOTE, Level.WARNING, Level.PROBLEM

SETTINGS = {
    "settings_sound": Kind("settings", _OK, "all settings can be read"),
    "setting_wrong": Kind(
        "settings", _PROBLEM, "a setting cannot be used, and `serve` would not start", "correct it"
    ),
    "no_secret": Kind(
        "settings",
        _PROBLEM,
        "anybody can post updates: no TELEGRAM_SECRET_TOKEN",
        "set it, then `hookgram webhook set --force`",
    ),
    "custody_off": Kind(
        "settings",
        _WARNING,
        "our address is none that Telegram posts to: we do not keep our webhook",
        "set PUBLIC_URL to the address that Telegram posts to, or WEBHOOK_CUSTODY=off",
    ),
    "nobody_admitted": Kind(
        "settings",
        _PROBLEM,
        "no chat is admitted, every update is refused",
        "set PUBLIC_MODE=true or AUTHORIZED_CHAT_IDS",
    ),
    "example_token": Kind(
        "settings", _PROBLEM, "BOT_TOKEN is still the example's", "put in your own, from @BotFather"
    ),
    "no_target": Kind(
        "settings",
        _PROBLEM,
        "updates are stored and go nowhere",
        "set TARGET_WEBHOOK_URL",
    ),
    "together": Kind(
        "settings",
        _WARNING,
        "the URLs of TARGET_WEBHOOK_URLS are retried together: one that fails makes the others see "
        "updates twice",
        "set FANOUT_RETRY=independent",
    ),
    "same_url_twice": Kind(
        "settings", _NOTE, "TARGET_WEBHOOK_URLS names a URL twice: it gets each update once"
    ),
    "unsigned": Kind(
        "settings",
        _NOTE,
        "what we send is not signed, so targets cannot tell it from a forgery",
        "set OUTBOUND_SECRET (openssl rand -hex 32) and verify it in the targets",
    ),
    "weak_signature": Kind(
        "settings", _WARNING, "OUTBOUND_SECRET is short", "use 24 bytes or more"
    ),
    "bad_whsec": Kind(
        "settings",
        _WARNING,
        "OUTBOUND_SECRET starts with whsec_ but the rest is no base64",
        "copy it again, or make one with openssl rand -hex 32",
    ),
    "unused_database": Kind(
        "settings",
        _WARNING,
        "DATABASE_URL is set but not used",
        "set QUEUE_BACKEND=postgres to store there, or leave it out",
    ),
    "unknown_setting": Kind(
        "settings", _WARNING, "a variable looks like a setting and is none", "correct its name"
    ),
    "retries_few": Kind(
        "settings",
        _NOTE,
        "a target that is down for minutes makes dead letters: too few retries",
        "set MAX_RETRIES=12, which spans about two hours",
    ),
}

STORE = {
    "store_sound": Kind("store", _OK, "the store can be read, with versions and size"),
    "store_new": Kind("store", _NOTE, "there is no store yet: `serve` makes it"),
    "store_running": Kind("store", _OK, "a gateway works on the store"),
    "store_idle": Kind(
        "store", _NOTE, "no gateway works on the store now", "start one: `hookgram serve`"
    ),
    "nobody_delivers": Kind(
        "store",
        _PROBLEM,
        "updates are taken into the store and no process delivers them",
        "start a worker on the same store: `hookgram serve --role worker`",
    ),
    "nobody_takes": Kind(
        "store",
        _PROBLEM,
        "a worker delivers and no process takes updates",
        "start one on the same store: `hookgram serve --role ingest`",
    ),
    "store_left": Kind(
        "store",
        _PROBLEM,
        "the store was moved to a database, or is being moved, so `serve` does not start on it",
        "set QUEUE_BACKEND=postgres and DATABASE_URL; or give the move up, see `hookgram move`",
    ),
    "database_filling": Kind(
        "store",
        _PROBLEM,
        "a move to the database is not at its end, so `serve` does not start on it",
        "give the same `hookgram move` again, until it says that all is there",
    ),
    "sqlite_old": Kind(
        "store",
        _PROBLEM,
        "this SQLite may corrupt its log",
        "install the apsw wheel hookgram asks for (SQLite 3.51.3 or newer)",
    ),
    "schema_newer": Kind(
        "store",
        _PROBLEM,
        "a newer hookgram wrote the store",
        "run that version, or restore a copy from before it",
    ),
    "schema_older": Kind("store", _NOTE, "the store's schema is brought up to date at next start"),
    "store_foreign": Kind(
        "store",
        _PROBLEM,
        "the file is no store of hookgram's",
        "choose another SQLITE_PATH",
    ),
    "store_broken": Kind(
        "store",
        _PROBLEM,
        "the store cannot be read",
        "look at the disk; restore the file from a copy if it is damaged",
    ),
    "database_away": Kind(
        "store",
        _PROBLEM,
        "the database cannot be reached, so no update can be taken",
        "see that PostgreSQL runs, and that DATABASE_URL names where",
    ),
    "database_unfit": Kind(
        "store",
        _PROBLEM,
        "the promise cannot be kept with this database",
        "change DATABASE_URL or the server as it says",
    ),
    "schema_other": Kind(
        "store",
        _WARNING,
        "the database has the schema of another version",
        "run one version everywhere: the newer one's start brings the schema up to date",
    ),
    "store_readonly": Kind(
        "store",
        _PROBLEM,
        "the store cannot be written, so no update can be taken",
        "let the gateway's user write the file and its folder (on Railway: RAILWAY_RUN_UID=0)",
    ),
    "disk_slow": Kind(
        "store",
        _WARNING,
        "the disk takes long to make a write safe: every update waits for that",
        "put SQLITE_PATH on a local SSD",
    ),
    "space_low": Kind(
        "store",
        _WARNING,
        "little space is left: when none is, no update can be taken",
        "enlarge the volume, or lower RETENTION_HOURS and DEAD_RETENTION_DAYS",
    ),
    "space_out": Kind(
        "store",
        _PROBLEM,
        "next to no space is left: updates are about to be refused with 503",
        "enlarge the volume now; Telegram keeps updates for up to 24 hours",
    ),
    "store_networked": Kind(
        "store",
        _PROBLEM,
        "the store lies on a network file system, where SQLite's log is not safe",
        "put SQLITE_PATH on a disk of this machine",
    ),
    "store_in_memory": Kind(
        "store",
        _PROBLEM,
        "the store lies in memory: stored updates do not survive a restart",
        "put SQLITE_PATH on a disk",
    ),
    "store_ephemeral": Kind(
        "store",
        _PROBLEM,
        "the store lies on no volume: a new deployment begins empty, and what waited is lost",
        "attach a volume and put SQLITE_PATH on it, like /data/events.db",
    ),
    "store_in_container": Kind(
        "store",
        _WARNING,
        "the store lies in the container itself: it goes when the container is removed",
        "mount a volume and put SQLITE_PATH on it, like /data/events.db",
    ),
    "orphan": Kind(
        "store",
        _WARNING,
        "no setting names this target any more, and its work waits",
        "name it again, or give its work up: `hookgram targets remove NAME`",
    ),
    "dead_letters": Kind(
        "store",
        _WARNING,
        "a target has dead letters: updates that could not be delivered",
        "`hookgram dead list`, then `hookgram dead replay`",
    ),
    "backlog": Kind(
        "store",
        _NOTE,
        "many deliveries wait for a target",
        "see whether it answers; TARGET_SLOTS gives it more at once",
    ),
    "refused_updates": Kind(
        "store",
        _NOTE,
        "updates of chats that are not admitted were refused",
        "add the chats you want to AUTHORIZED_CHAT_IDS",
    ),
}

PLATFORM = {
    "platform": Kind("platform", _OK, "what the gateway runs on"),
    "memory_low": Kind(
        "platform",
        _WARNING,
        "there is little memory: the process may be killed (nothing stored is lost)",
        "give it 256 MB or more",
    ),
    "grace_missing": Kind(
        "platform",
        _WARNING,
        "the platform kills at once when it stops the gateway: attempts in flight are repeated",
        "set RAILWAY_DEPLOYMENT_DRAINING_SECONDS to SHUTDOWN_GRACE_SEC + 5",
    ),
    "grace_short": Kind(
        "platform",
        _WARNING,
        "the platform gives less time to stop than SHUTDOWN_GRACE_SEC: it kills first",
        "raise the platform's time, or lower SHUTDOWN_GRACE_SEC",
    ),
    "grace_unseen": Kind(
        "platform",
        _NOTE,
        "the platform's time to stop cannot be seen from here, and its default is too short",
        "set it to SHUTDOWN_GRACE_SEC + 5 (Fly.io: kill_timeout and kill_signal; Docker: "
        "stop_grace_period)",
    ),
}

DOCTOR = {
    "not_checked": Kind(
        "doctor",
        _PROBLEM,
        "a check did not end in time or failed",
        "run it again; report it if it stays",
    ),
}
