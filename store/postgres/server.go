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
	pool *pgxpool.Pool
	name string // for people: "database kith at db.example.test:5432"
}

func newServer(ctx context.Context, dsn string) (*server, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, parseError(dsn, err)
	}
	c := config.ConnConfig
	given := func(name string) bool { return strings.Contains(dsn, name) }
	if !given("default_query_exec_mode") {
		// Each query is one round trip that leaves nothing behind on the
		// server, for the next one may go to another: there may be a pooler.
		c.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "kith"
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = connectTimeout
	}
	config.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		conn.TypeMap().RegisterType(&pgtype.Type{
			Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
		})
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	return &server{pool: pool, name: nameOf(c)}, nil
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
