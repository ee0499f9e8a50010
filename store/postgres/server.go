package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// oldest is the oldest version of PostgreSQL that will do, as in
// server_version_num.
const oldest = 140000

// How long a server may take to accept a connection, if its URL does not say.
const connectTimeout = 10 * time.Second

// server is a database and the connections to it.
type server struct {
	pool   *pgxpool.Pool
	name   string      // for people: "database kith at db.example.test:5432"
	direct atomic.Bool // the last connection was to the server itself, not to a pooler
}

func newServer(ctx context.Context, dsn string) (*server, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, parseError(dsn, err)
	}
	c := config.ConnConfig
	srv := &server{name: nameOf(c)}
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "kith"
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = connectTimeout
	}
	if !strings.Contains(dsn, "default_query_exec_mode") {
		config.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
			c.DefaultQueryExecMode = srv.execMode()
			return nil
		}
		// A connection that was made before it was known where it leads to is not used.
		config.PrepareConn = func(_ context.Context, conn *pgx.Conn) (bool, error) {
			return conn.Config().DefaultQueryExecMode == srv.execMode(), nil
		}
	}
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		conn.TypeMap().RegisterType(&pgtype.Type{
			Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
		})
		// A pooler gives its clients numbers of its own to cancel queries by.
		results, err := conn.PgConn().Exec(ctx, `SELECT pg_backend_pid()`).ReadAll()
		if err == nil {
			session := strconv.FormatUint(uint64(conn.PgConn().PID()), 10)
			srv.direct.Store(string(results[0].Rows[0][0]) == session)
		}
		return err
	}
	srv.pool, err = pgxpool.NewWithConfig(ctx, config)
	return srv, err
}

// execMode is how statements are run: the server prepares them, which saves it
// a millisecond of parsing and planning each time. A pooler may pass the next one on to
// another session; then each is one round trip that leaves nothing behind.
func (srv *server) execMode() pgx.QueryExecMode {
	if srv.direct.Load() {
		return pgx.QueryExecModeCacheStatement
	}
	return pgx.QueryExecModeCacheDescribe
}

func nameOf(c *pgx.ConnConfig) string {
	at := func(host string, port uint16) string {
		if strings.HasPrefix(host, "/") {
			return host // the folder of a socket
		}
		return net.JoinHostPort(host, strconv.Itoa(int(port)))
	}
	hosts := []string{at(c.Host, c.Port)}
	for _, f := range c.Fallbacks { // the same host with and without TLS, or further ones
		if host := at(f.Host, f.Port); host != hosts[len(hosts)-1] {
			hosts = append(hosts, host)
		}
	}
	database := c.Database
	if database == "" {
		database = c.User
	}
	return fmt.Sprintf("database %s at %s", database, strings.Join(hosts, ","))
}

// parseError tells what is wrong with a URL, and no part of a password.
func parseError(dsn string, err error) error {
	u, failure := url.Parse(dsn)
	if failure != nil || !strings.HasPrefix(u.Scheme, "postgres") {
		// Any part of it may be the password.
		return errors.New("the database URL can't be read: want postgres://user@host:port/database?sslmode=verify-full, " +
			"with %40 for @, %3A for :, %2F for /, %23 for # and %25 for % in user and password")
	}
	_, why, _ := strings.Cut(err.Error(), "`: ") // after the URL
	password, _ := u.User.Password()
	for _, secret := range []string{password, u.Query().Get("password")} {
		if secret != "" {
			why = strings.ReplaceAll(why, secret, "…")
		}
	}
	return fmt.Errorf("the database URL can't be used: %s", why)
}

// check asks whether the server is one that will do.
func (srv *server) check(ctx context.Context) error {
	var version int
	var encoding string
	err := srv.pool.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_encoding')`).Scan(&version, &encoding)
	switch {
	case err != nil:
		return srv.fail(ctx, "", err)
	case version < oldest:
		return fmt.Errorf("%s is of PostgreSQL %d: version %d or later is needed", srv.name, version/10000, oldest/10000)
	case encoding != "UTF8":
		return fmt.Errorf("%s has the encoding %s: make one with ENCODING 'UTF8'", srv.name, encoding)
	}
	return nil
}

func (srv *server) pooled() *pgxpool.Pool {
	if srv == nil {
		return nil
	}
	return srv.pool
}

// replica is a standby that serves listings while it can.
type replica struct {
	*server
	mu    sync.Mutex
	until time.Time // it is not asked before then; zero while it works
}

// How long a replica that did not answer is left alone.
const replicaRest = 30 * time.Second

// ready tells whether the replica is to be asked.
func (r *replica) ready() bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Now().After(r.until)
}

// note takes note of how it went, and tells whether that is news.
func (r *replica) note(works bool) (news bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	news = works != r.until.IsZero()
	r.until = time.Time{}
	if !works {
		r.until = time.Now().Add(replicaRest)
	}
	return news
}

func (r *replica) pooled() *pgxpool.Pool {
	if r == nil {
		return nil
	}
	return r.pool
}
