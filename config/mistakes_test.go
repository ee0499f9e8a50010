package config_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kith/config"
)

// The message is what the admin sees: each is held to the letter, and the
// place and the marks with it.
var mistakes = []struct {
	reason string
	file   string
	want   string
}{
	{"a key that is not known, and what may have been meant", "invalid-unknown-key.toml", `
kith.toml:1:1: sinse: unknown key; did you mean "since"?
   1 | sinse = "30d"
     | ^^^^^
kith.toml:2:1: colour: unknown key; known here: account, database, database_replica, http, limits, log, own_domains, policy, region, secrets, since, templates, time_zone
   2 | colour = "blue"
     | ^^^^^^
kith.toml:6:1: policy.since: unknown key; it belongs at the top of the file, before the first [table]
   6 | since = "30d"
     | ^^^^^
kith.toml:8:3: accounts: unknown key; did you mean "account"?
   8 | [[accounts]]
     |   ^^^^^^^^
`},
	{"H09 a password written into the file is refused and not shown", "invalid-inline-password.toml", `
kith.toml:1:3: account "alice": has no password: set one of password_file, password_command, password_env and credential
   1 | [[account]]
     |   ^^^^^^^
kith.toml:6:1: account "alice": password: unknown key; secrets are not written in this file: use password_file, password_command, password_env or credential
   6 | password = [secret]
     | ^^^^^^^^
`},
	{"H09 a password in a URL is refused and not shown", "invalid-password-in-url.toml", `
kith.toml:4:7: account "alice": url: holds a login: write it as username, and the password as password_file
   4 | url = "imaps://alice:[secret]@mail.example.test"
     |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
kith.toml:11:7: account "bob": url: is no URL: want the form imaps://host
  11 | url = "imaps://bob:[secret]@mail.example.test"
     |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
`},
	{"a replica of no database", "invalid-replica.toml", `
kith.toml:2:20: database_replica: has no database that it is a standby of: database has to be a postgres:// URL too
   2 | database_replica = "postgres://kith@replica.example.test/kith"
     |                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
`},
	{"a replica in a file", "invalid-replica-file.toml", `
kith.toml:2:20: database_replica: is a standby of a PostgreSQL database: want postgres://user@host/name
   2 | database_replica = "sqlite:copy.db"
     |                    ^^^^^^^^^^^^^^^^
`},
	{"values of the wrong type", "invalid-type.toml", `
kith.toml:1:9: since: is an integer: want a string, such as "365d"
   1 | since = 365
     |         ^^^
kith.toml:2:15: own_domains: is a string: want an array of strings: write ["…"]
   2 | own_domains = "example.test"
     |               ^^^^^^^^^^^^^^
kith.toml:3:7: log: is a string: want a table: write [log]
   3 | log = "debug"
     |       ^^^^^^^
kith.toml:6:11: limits.workers: is a string: want an integer, without quotes
   6 | workers = "four"
     |           ^^^^^^
kith.toml:7:14: limits.time_slice: is an integer: want a duration in quotes, such as "30s"
   7 | time_slice = 30
     |              ^^
kith.toml:8:15: limits.header_size: is a boolean: want a string, such as "1MiB"
   8 | header_size = true
     |               ^^^^
kith.toml:11:21: policy.company_by_domain: is a string: want true or false, without quotes
  11 | company_by_domain = "yes"
     |                     ^^^^^
kith.toml:12:29: policy.never_record: is an integer: want a string
  12 | never_record = ["a@x.test", 7]
     |                             ^
kith.toml:15:12: templates.email_in: is a boolean: want a string
  15 | email_in = false
     |            ^^^^^
`},
	{"[account] for [[account]]", "invalid-account-table.toml", `
kith.toml:1:2: account: is a table: want an array of tables: write [[account]]
   1 | [account]
     |  ^^^^^^^
`},
	{"not TOML", "invalid-syntax.toml", `
kith.toml:2:12: not valid TOML: strings must be quoted
   2 | since = 365d
     |            ^
`},
	{"a table written twice", "invalid-twice.toml", `
kith.toml:6:2: not valid TOML: table http already exists: join the two
   6 | [http]
     |  ^
`},
	{"minutes are no span of time for since", "invalid-since.toml", `
kith.toml:1:9: since: "18m" is neither a span of time, such as 720h, 365d, 26w, 18mo or 2y, nor a date, such as 2024-01-31
   1 | since = "18m"
     |         ^^^^^
`},
	{"a date that has not come", "invalid-since-future.toml", `
kith.toml:1:9: since: 2031-01-01 has not come yet: capture would find nothing
   1 | since = 2031-01-01
     |         ^^^^^^^^^^
`},
	{"not a domain", "invalid-own-domain.toml", `
kith.toml:1:32: own_domains: "alice@example.test" is no domain: want a name such as example.test, without @
   1 | own_domains = ["example.test", "alice@example.test", "-x.test", ""]
     |                                ^^^^^^^^^^^^^^^^^^^^
kith.toml:1:54: own_domains: "-x.test" is no domain: want a name such as example.test, without @
   1 | own_domains = ["example.test", "alice@example.test", "-x.test", ""]
     |                                                      ^^^^^^^^^
kith.toml:1:65: own_domains: "" is no domain: want a name such as example.test, without @
   1 | own_domains = ["example.test", "alice@example.test", "-x.test", ""]
     |                                                                 ^^
`},
	{"a zone that does not exist", "invalid-time-zone.toml", `
kith.toml:1:13: time_zone: "Europe/Brussel" is no time zone known here: want a name such as Europe/Brussels or UTC
   1 | time_zone = "Europe/Brussel"
     |             ^^^^^^^^^^^^^^^^
`},
	{"a region that does not exist", "invalid-region.toml", `
kith.toml:1:10: region: "belgium" is no country known here: want two capital letters of ISO 3166, such as BE
   1 | region = "belgium"
     |          ^^^^^^^^^
`},
	{"another database; its password is not shown", "invalid-database.toml", `
kith.toml:1:12: database: is no database: want sqlite:///path/to/kith.db or postgres://user@host/name
   1 | database = "mysql://kith:[secret]@db/kith"
     |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
`},
	{"a database URL that is none; its password is not shown", "invalid-database-url.toml", `
kith.toml:1:12: database: is no PostgreSQL URL: want postgres://user@host:port/name
   1 | database = "postgres://kith:[secret]@db:x/kith"
     |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
`},
	{"limits out of their bounds", "invalid-limits.toml", `
kith.toml:2:11: limits.workers: must be from 1 to 256
   2 | workers = 0
     |           ^
kith.toml:3:12: limits.per_host: must be from 1 to 64
   3 | per_host = 1000
     |            ^^^^
kith.toml:4:9: limits.batch: must be from 1 to 10000
   4 | batch = -1
     |         ^^
kith.toml:6:15: limits.header_size: "1TB" is no size: want a number and kB, MB, GB, KiB, MiB or GiB
   6 | header_size = "1TB"
     |               ^^^^^
kith.toml:7:14: limits.recipients: must be from 10 to 100000
   7 | recipients = 1
     |              ^
kith.toml:8:19: limits.account_timeout: "soon" is no duration: want a number and a unit, such as 30s, 10m or 1h30m
   8 | account_timeout = "soon"
     |                   ^^^^^^
`},
	{"limits that contradict each other", "invalid-timeout.toml", `
kith.toml:1:2: limits.account_timeout: 10m0s is shorter than time_slice (20m0s): no slice would ever end
   1 | [limits]
     |  ^^^^^^
`},
	{"values that a policy does not have", "invalid-policy.toml", `
kith.toml:2:13: policy.unmatched: "sugest" is not known: want "forget" or "suggest"; did you mean "suggest"?
   2 | unmatched = "sugest"
     |             ^^^^^^^^
kith.toml:3:12: policy.internal: "yes" is not known: want "skip" or "record"
   3 | internal = "yes"
     |            ^^^^^
kith.toml:4:8: policy.bulk: "" is not known: want "skip" or "record"
   4 | bulk = ""
     |        ^^
kith.toml:5:17: policy.never_record: pattern "*" covers everybody
   5 | never_record = ["*", "*@bank.test", "*@*"]
     |                 ^^^
kith.toml:5:37: policy.never_record: pattern "*@*" covers everybody
   5 | never_record = ["*", "*@bank.test", "*@*"]
     |                                     ^^^^^
kith.toml:7:9: log.level: "verbose" is not known: want "debug", "info", "warn" or "error"
   7 | level = "verbose"
     |         ^^^^^^^^^
kith.toml:8:10: log.format: "logfmt" is not known: want "text" or "json"
   8 | format = "logfmt"
     |          ^^^^^^^^
`},
	{"events and codes of templates", "invalid-templates.toml", `
kith.toml:2:12: templates.email_in: "EMAIL IN" is no template code: want letters, digits, _ - and ., 40 at most
   2 | email_in = "EMAIL IN"
     |            ^^^^^^^^^^
kith.toml:3:1: templates.emial_out: unknown event; did you mean "email_out"?
   3 | emial_out = "EMAIL_OUT"
     | ^^^^^^^^^
kith.toml:5:1: templates.sales_invoice_burnt: unknown event; want one of email_in, email_out, letter_in, letter_out, meeting, phone_in, phone_out, or a document's type and event, such as sales_invoice_posted
   5 | sales_invoice_burnt = "INVOICE"
     | ^^^^^^^^^^^^^^^^^^^
`},
	{"HTTP without TLS beyond loopback", "invalid-http-open.toml", `
kith.toml:2:10: http.listen: 0.0.0.0:8625 can be reached from other machines, and tokens would go there in clear: set tls_cert and tls_key, or allow_plain_http = true behind a proxy, or listen on 127.0.0.1
   2 | listen = "0.0.0.0:8625"
     |          ^^^^^^^^^^^^^^
`},
	{"a port alone", "invalid-http-listen.toml", `
kith.toml:2:10: http.listen: "8625" is neither host:port, such as 127.0.0.1:8625, nor unix:/path/of/socket
   2 | listen = "8625"
     |          ^^^^^^
`},
	{"a socket path too long for the system", "invalid-http-socket.toml", `
kith.toml:2:10: http.listen: the path of the socket has 110 bytes, and 103 are the most: choose a shorter one, such as unix:/run/kith/http.sock
   2 | listen = "unix:/run/kith/a-folder-with-quite-a-long-name/and-another-with-a-name-just-as-long/and-one-more/and-more/http.sock"
     |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
`},
	{"TLS files that are missing or open to others", "invalid-http-tls.toml", `
kith.toml:3:12: http.tls_cert: /etc/kith/no.crt: no such file or directory
   3 | tls_cert = "no.crt"
     |            ^^^^^^^^
kith.toml:4:11: http.tls_key: /etc/kith/open-password can be used by others (mode 0644): chmod 0640 /etc/kith/open-password
   4 | tls_key = "open-password"
     |           ^^^^^^^^^^^^^^^
`},
	{"a certificate without its key", "invalid-http-tls-half.toml", `
kith.toml:2:12: http.tls_cert: needs tls_key too
   2 | tls_cert = "ca.pem"
     |            ^^^^^^^^
`},
	{"a key file without a key", "invalid-http-tls-pair.toml", `
kith.toml:2:12: http.tls_cert: can't be used with tls_key: tls: failed to find any PEM data in key input
   2 | tls_cert = "ca.pem"
     |            ^^^^^^^^
`},
	{"accounts that lack what their kind needs", "invalid-account-bare.toml", `
kith.toml:1:3: account 1: has no name: give it one, such as name = "alice-mail"
   1 | [[account]]
     |   ^^^^^^^
kith.toml:1:3: account 1: has no kind: want one of imap, caldav, ics, carddav, microsoft, google
   1 | [[account]]
     |   ^^^^^^^
kith.toml:3:3: account 2: has no username: want the login name
   3 | [[account]]
     |   ^^^^^^^
kith.toml:3:3: account 2: has no password: set one of password_file, password_command, password_env and credential
   3 | [[account]]
     |   ^^^^^^^
kith.toml:4:8: account 2: name: is empty: give it one, such as name = "alice-mail"
   4 | name = ""
     |        ^^
kith.toml:6:7: account 2: url: is empty: want imaps://host or imap+starttls://host
   6 | url = ""
     |       ^^
kith.toml:10:8: account "x": kind: "imapp" is not known: want "imap", "caldav", "ics", "carddav", "microsoft" or "google"; did you mean "imap"?
  10 | kind = "imapp"
     |        ^^^^^^^
kith.toml:12:3: account "feed": has no url: want https://…
  12 | [[account]]
     |   ^^^^^^^
`},
	{"names that commands could not use or tell apart", "invalid-account-name.toml", `
kith.toml:2:8: account "alice/mail": name: "alice/mail" is no name for an account: want letters, digits and - _ . @, 64 at most, a letter or digit first
   2 | name = "alice/mail"
     |        ^^^^^^^^^^^^
kith.toml:10:8: account "Bob": name: is the name of the account at kith.toml:5 too: names must differ, in more than upper and lower case
  10 | name = "Bob"
     |        ^^^^^
`},
	{"I13 the same mailbox twice", "invalid-account-twice.toml", `
kith.toml:8:3: account "alice-again": reads the same as the account at kith.toml:1: remove one, or join their include and addresses
   8 | [[account]]
     |   ^^^^^^^
kith.toml:20:3: account "room-again": reads the same as the account at kith.toml:15: remove one, or join their include and addresses
  20 | [[account]]
     |   ^^^^^^^
`},
	{"addresses that are none", "invalid-address.toml", `
kith.toml:4:9: account "alice": owner: "Alice" is no e-mail address: want the form alice@example.test, without a name
   4 | owner = "Alice"
     |         ^^^^^^^
kith.toml:5:36: account "alice": addresses: "Alice <alice@example.test>" is no e-mail address: want the form alice@example.test, without a name
   5 | addresses = ["alice@example.test", "Alice <alice@example.test>"]
     |                                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
`},
	{"schedules, the one that makes the parser panic among them", "invalid-schedule.toml", `
kith.toml:4:12: account "a": schedule: "CRON_TZ=Europe/Brussels" has a time zone and no times: want five fields behind it
   4 | schedule = "CRON_TZ=Europe/Brussels"
     |            ^^^^^^^^^^^^^^^^^^^^^^^^^
kith.toml:9:12: account "b": schedule: "*/5 * * *" is no cron spec: expected exactly 5 fields, found 4: [*/5 * * *]; want five fields such as "*/5 8-18 * * 1-5", @hourly, or "@every 5m"
   9 | schedule = "*/5 * * *"
     |            ^^^^^^^^^^^
kith.toml:14:12: account "c": schedule: "0 0 30 2 *" never comes
  14 | schedule = "0 0 30 2 *"
     |            ^^^^^^^^^^^^
kith.toml:19:12: account "d": schedule: "@every 5" is no cron spec: failed to parse duration @every 5: time: missing unit in duration "5"; want five fields such as "*/5 8-18 * * 1-5", @hourly, or "@every 5m"
  19 | schedule = "@every 5"
     |            ^^^^^^^^^^
kith.toml:24:12: account "e": schedule: "@every -5m": a second is the shortest interval
  24 | schedule = "@every -5m"
     |            ^^^^^^^^^^^^
kith.toml:29:12: account "f": schedule: "CRON_TZ=Mars/Base * * * * *" is no cron spec: provided bad location Mars/Base: unknown time zone Mars/Base; want five fields such as "*/5 8-18 * * 1-5", @hourly, or "@every 5m"
  29 | schedule = "CRON_TZ=Mars/Base * * * * *"
     |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
`},
	{"patterns that can match nothing or leave out everything", "invalid-glob.toml", `
kith.toml:4:21: account "a": include: is empty: leave it out, or write * for all
   4 | include = ["INBOX", ""]
     |                     ^^
kith.toml:5:11: account "a": exclude: leaves out everything: remove the account, or exclude less
   5 | exclude = ["*", "HR\u0000"]
     |           ^^^^^^^^^^^^^^^^^
kith.toml:5:17: account "a": exclude: "HR\x00" holds control characters
   5 | exclude = ["*", "HR\u0000"]
     |                 ^^^^^^^^^^
`},
	{"URLs, by kind", "invalid-url.toml", `
kith.toml:4:7: account "scheme": url: "https" is no scheme for kind imap: want imaps://, imap+starttls://, imap://
   4 | url = "https://mail.example.test"
     |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^
kith.toml:11:7: account "host": url: has no host, or a port that is none: want the form imaps://host or imaps://host:port
  11 | url = "imaps://"
     |       ^^^^^^^^^^
kith.toml:18:7: account "port": url: has no host, or a port that is none: want the form imaps://host or imaps://host:port
  18 | url = "imaps://mail.example.test:99999"
     |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
kith.toml:25:7: account "path": url: has something behind the host: folders are named in include, not here
  25 | url = "imaps://mail.example.test/INBOX"
     |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
kith.toml:32:7: account "no-url": url: is no URL: want the form https://host
  32 | url = "https://[dav"
     |       ^^^^^^^^^^^^^^
kith.toml:37:7: account "bare": url: has no scheme: want the form https://host
  37 | url = "dav.example.test"
     |       ^^^^^^^^^^^^^^^^^^
kith.toml:42:7: account "feed": url: /etc/kith/missing.ics: no such file or directory
  42 | url = "file:missing.ics"
     |       ^^^^^^^^^^^^^^^^^^
kith.toml:47:7: account "far-file": url: names no file here: want file:calendar.ics or file:///path/of/calendar.ics
  47 | url = "file://server/share.ics"
     |       ^^^^^^^^^^^^^^^^^^^^^^^^^
`},
	{"plain text beyond this machine, and addresses inside", "invalid-plain.toml", `
kith.toml:4:7: account "mail": url: goes to mail.example.test without TLS: write imaps://, or set allow_plain = true and let passwords and mail be read on the way
   4 | url = "imap://mail.example.test"
     |       ^^^^^^^^^^^^^^^^^^^^^^^^^^
kith.toml:11:7: account "calendar": url: goes to dav.example.test without TLS: write https://, or set allow_plain = true and let passwords and mail be read on the way
  11 | url = "http://dav.example.test/"
     |       ^^^^^^^^^^^^^^^^^^^^^^^^^^
kith.toml:16:7: account "inside": url: goes to 192.168.1.4, which is not of the public internet: set allow_private = true if it is meant
  16 | url = "https://192.168.1.4/"
     |       ^^^^^^^^^^^^^^^^^^^^^^
kith.toml:21:7: account "metadata": url: goes to 169.254.169.254, which is not of the public internet: set allow_private = true if it is meant
  21 | url = "https://169.254.169.254/latest"
     |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
`},
	{"H09 secrets that are missing, open to others or given twice", "invalid-secret.toml", `
kith.toml:1:3: account "none": has no password: set one of password_file, password_command, password_env and credential
   1 | [[account]]
     |   ^^^^^^^
kith.toml:13:16: account "two": password_env: the password is given as password_file and as password_env: keep one of them
  13 | password_env = "ALICE"
     |                ^^^^^^^
kith.toml:20:17: account "missing": password_file: /etc/kith/no-such-file: no such file or directory
  20 | password_file = "no-such-file"
     |                 ^^^^^^^^^^^^^^
kith.toml:27:17: account "open": password_file: /etc/kith/open-password can be used by others (mode 0644): chmod 0600 /etc/kith/open-password
  27 | password_file = "open-password"
     |                 ^^^^^^^^^^^^^^^
kith.toml:34:17: account "empty": password_file: /etc/kith/empty is empty
  34 | password_file = "empty"
     |                 ^^^^^^^
kith.toml:41:17: account "folder": password_file: /etc/kith is not a file
  41 | password_file = "."
     |                 ^^^
kith.toml:48:16: account "env": password_env: the environment variable NO_SUCH_VARIABLE is not set
  48 | password_env = "NO_SUCH_VARIABLE"
     |                ^^^^^^^^^^^^^^^^^^
kith.toml:55:20: account "command": password_command: can't run /no/such/program: no such file or directory
  55 | password_command = ["/no/such/program", "show"]
     |                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
kith.toml:62:20: account "no-command": password_command: is empty
  62 | password_command = []
     |                    ^^
kith.toml:69:14: account "credential": credential: "../alice" is no name of a credential: it has no slash
  69 | credential = "../alice"
     |              ^^^^^^^^^^
kith.toml:71:3: account "nobody": has a username and no password: set one of password_file, password_command, password_env and credential
  71 | [[account]]
     |   ^^^^^^^
kith.toml:81:17: account "nameless": password_file: is a password without a username: set username too
  81 | password_file = "password"
     |                 ^^^^^^^^^^
`},
	{"a systemd credential that is not there", "invalid-credential.toml", `
kith.toml:6:14: account "alice": credential: /etc/kith/credentials/alice: no such file or directory
   6 | credential = "alice"
     |              ^^^^^^^
`},
	{"what belongs to a master user, and to one user", "invalid-master.toml", `
kith.toml:1:3: account "staff": has no users: name them in users or users_file
   1 | [[account]]
     |   ^^^^^^^
kith.toml:6:12: account "staff": username: is that of one user: with master_user, each of users has its own
   6 | username = "kith"
     |            ^^^^^^
kith.toml:7:9: account "staff": owner: is that of one user: with master_user, each of users has its own
   7 | owner = "alice@example.test"
     |         ^^^^^^^^^^^^^^^^^^^^
kith.toml:9:20: account "staff": master_separator: is empty: want what the server takes between two names, such as *
   9 | master_separator = ""
     |                    ^^
kith.toml:14:15: account "calendars": master_user: is for kind imap, not for caldav
  14 | master_user = "kith"
     |               ^^^^^^
kith.toml:22:20: account "alice": master_separator: means nothing without master_user, the user who may log in as others
  22 | master_separator = "*"
     |                    ^^^
kith.toml:23:9: account "alice": users: means nothing without master_user, the user who may log in as others
  23 | users = ["alice@example.test"]
     |         ^^^^^^^^^^^^^^^^^^^^^^
kith.toml:24:14: account "alice": users_file: means nothing without master_user, the user who may log in as others
  24 | users_file = "users.txt"
     |              ^^^^^^^^^^^
kith.toml:25:3: account "empty": has no username: want the login name
  25 | [[account]]
     |   ^^^^^^^
kith.toml:30:15: account "empty": master_user: is empty: want the user who may log in as others
  30 | master_user = ""
     |               ^^
`},
	{"users of a master user who are none, or twice", "invalid-master-users.toml", `
kith.toml:20:3: account "staff": users: "Alice" is no e-mail address: want the form alice@example.test, without a name
  20 |   "Alice <alice@example.test>",
     |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
kith.toml:21:3: account "staff": users: "alice" is no e-mail address: want the form alice@example.test, without a name
  21 |   "alice",
     |   ^^^^^^^
kith.toml:22:3: account "staff": users: "" is no user: want an address and, behind a blank, the login name if it is another
  22 |   "",
     |   ^^
kith.toml:23:3: account "staff": users: reads the same as the account at kith.toml:1: remove one of the two
  23 |   "alice@example.test",
     |   ^^^^^^^^^^^^^^^^^^^^
kith.toml:24:3: account "staff": users: the login name "bob*x" has * in it, which stands between two names: see master_separator
  24 |   "bob@example.test bob*x",
     |   ^^^^^^^^^^^^^^^^^^^^^^^^
kith.toml:26:3: account "staff": users: reads the same as the account at kith.toml:25: remove one of the two
  26 |   "robert@example.test Bob",
     |   ^^^^^^^^^^^^^^^^^^^^^^^^^
kith.toml:28:3: account "staff": users: becomes the account "staff-dave@example.test", and so does that at kith.toml:7: remove one of the two
  28 |   "dave@example.test",
     |   ^^^^^^^^^^^^^^^^^^^
kith.toml:30:14: account "staff": users_file: /etc/kith/users.txt:3: reads the same as the account at kith.toml:27: remove one of the two
  30 | users_file = "users.txt"
     |              ^^^^^^^^^^^
`},
	{"a file of users that names none, or wrong ones", "invalid-users-file.toml", `
kith.toml:7:14: account "a": users_file: /etc/kith/no-such-file: no such file or directory
   7 | users_file = "no-such-file"
     |              ^^^^^^^^^^^^^^
kith.toml:14:14: account "b": users_file: /etc/kith/comment names no user
  14 | users_file = "comment"
     |              ^^^^^^^^^
kith.toml:21:14: account "c": users_file: /etc/kith/wrong-users:1: "Alice" is no e-mail address: want the form alice@example.test, without a name
  21 | users_file = "wrong-users"
     |              ^^^^^^^^^^^^^
kith.toml:21:14: account "c": users_file: /etc/kith/wrong-users:2: "Alice" is no e-mail address: want the form alice@example.test, without a name
  21 | users_file = "wrong-users"
     |              ^^^^^^^^^^^^^
kith.toml:21:14: account "c": users_file: /etc/kith/wrong-users:3: "Alice" is no e-mail address: want the form alice@example.test, without a name
  21 | users_file = "wrong-users"
     |              ^^^^^^^^^^^^^
kith.toml:21:14: account "c": users_file: /etc/kith/wrong-users: 10 lines more are wrong
  21 | users_file = "wrong-users"
     |              ^^^^^^^^^^^^^
`},
	{"H09 keys that stand in the file, or can't be had", "invalid-secrets.toml", `
kith.toml:2:1: secrets.key: unknown key; keys are not written in this file: use key_file, key_command, key_env or key_credential
   2 | key = [secret]
     | ^^^
kith.toml:3:12: secrets.key_file: /etc/kith/no-such-file: no such file or directory
   3 | key_file = "no-such-file"
     |            ^^^^^^^^^^^^^^
`},
	{"H09 keys given twice, and open to others", "invalid-secrets-twice.toml", `
kith.toml:2:12: secrets.key_file: /etc/kith/open-password can be used by others (mode 0644): chmod 0600 /etc/kith/open-password
   2 | key_file = "open-password"
     |            ^^^^^^^^^^^^^^^
kith.toml:3:11: secrets.key_env: the environment variable NO_SUCH_VARIABLE is not set
   3 | key_env = "NO_SUCH_VARIABLE"
     |           ^^^^^^^^^^^^^^^^^^
kith.toml:4:15: secrets.key_command: the keys are given as key_file and as key_command and as key_env and as key_credential: keep one of them
   4 | key_command = []
     |               ^^
kith.toml:4:15: secrets.key_command: is empty
   4 | key_command = []
     |               ^^
kith.toml:5:18: secrets.key_credential: "../keys" is no name of a credential: it has no slash
   5 | key_credential = "../keys"
     |                  ^^^^^^^^^
`},
	{"a file without certificates", "invalid-ca.toml", `
kith.toml:5:11: account "alice": ca_file: /etc/kith/password holds no certificate in PEM form
   5 | ca_file = "password"
     |           ^^^^^^^^^^
kith.toml:11:11: account "bob": ca_file: /etc/kith/no.pem: no such file or directory
  11 | ca_file = "no.pem"
     |           ^^^^^^^^
`},
}

func TestLoadRefuses(t *testing.T) {
	for _, tt := range mistakes {
		t.Run(tt.reason, func(t *testing.T) {
			text := testdata(t, tt.file)
			env := inFolder(t)
			write(t, "kith.toml", text)
			_, err := config.Load("kith.toml", env)
			var problems config.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("Load: %v, want Problems", err)
			}
			dir, err := os.Getwd()
			if err != nil {
				t.Fatal(err)
			}
			got := strings.ReplaceAll(problems.Error(), dir, "/etc/kith")
			if diff := cmp.Diff(strings.Trim(tt.want, "\n"), got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			for _, part := range []string{"hunter2", "hun/ter2", "hun ter2"} {
				if strings.Contains(got, part) {
					t.Errorf("the message holds the password %q", part)
				}
			}
		})
	}
}

func TestMistakesAreTried(t *testing.T) {
	entries, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	tried := map[string]bool{}
	for _, tt := range mistakes {
		tried[tt.file] = true
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "invalid-") && !tried[e.Name()] {
			t.Errorf("testdata/%s is in no table", e.Name())
		}
	}
}
