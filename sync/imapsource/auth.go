package imapsource

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-sasl"

	"kith"
)

// The ways to log in with a password.
const (
	mechScram = "SCRAM-SHA-256"
	mechPlain = sasl.Plain
	mechLogin = "LOGIN" // the command
)

// mechanisms returns those that the server offers, the best first.
func (p *prologue) mechanisms() []string {
	var offered []string
	for _, mech := range []string{mechScram, mechPlain} {
		if p.has("AUTH=" + mech) {
			offered = append(offered, mech)
		}
	}
	if !p.has("LOGINDISABLED") { // RFC 9051 §6.2.3
		offered = append(offered, mechLogin)
	}
	return offered
}

// logIn logs in by the best mechanism and returns its name. When the server
// refuses the password no other one is tried: a few refusals in a row lock
// accounts in many places. The next one is tried only when the server says that
// it can't do what it announced.
func (p *prologue) logIn(username, password string) (mech string, err error) {
	if username == "" || password == "" || strings.ContainsRune(username+password, 0) {
		return "", kith.Faultf(kith.FaultSettings, "the user name or password is empty or has a NUL character in it")
	}
	if err := p.capabilities(); err != nil {
		return "", err
	}
	offered := p.mechanisms()
	if len(offered) == 0 {
		return "", kith.Faultf(kith.FaultSettings, "the server takes no password on this connection; it announces %s",
			oneLine(strings.Join(p.caps, " ")))
	}
	for _, mech = range offered {
		err = p.logInBy(mech, username, password)
		if err == nil {
			return mech, nil
		}
		err = &mechanismError{mech, hide(err, username, password)}
		if !isUnsupported(err) {
			break
		}
	}
	return "", err
}

// mechanismError tells by which mechanism a login failed.
type mechanismError struct {
	mech  string
	cause error
}

func (e *mechanismError) Error() string { return e.mech + ": " + e.cause.Error() }
func (e *mechanismError) Unwrap() error { return e.cause }

func (p *prologue) logInBy(mech, username, password string) error {
	announced := p.caps
	saslIR := p.has("SASL-IR") || p.has("IMAP4rev2")
	// A login changes the capabilities (RFC 9051 §6.2.2). Most servers tell
	// the new ones in its answer.
	p.caps = nil
	err := p.exchange(mech, username, password, saslIR)
	if err != nil {
		p.caps = announced
	}
	return err
}

func (p *prologue) exchange(mech, username, password string, saslIR bool) error {
	switch mech {
	case mechScram:
		client, err := newScramClient(username, password)
		if err != nil {
			return err
		}
		if err := p.authenticate(client, saslIR); err != nil {
			return err
		}
		if !client.proven() {
			return errUnproven
		}
		return nil
	case mechPlain:
		return p.authenticate(sasl.NewPlainClient("", username, password), saslIR)
	}
	return p.login(username, password)
}

// isUnsupported tells whether a server refused the mechanism and not the password.
func isUnsupported(err error) bool {
	var status *imap.Error
	if !errors.As(err, &status) {
		return false
	}
	if kind, _ := fault(err, false); kind != kith.FaultTransient || isBusy(strings.ToLower(status.Text)) {
		return false
	}
	switch status.Type {
	case imap.StatusResponseTypeBad:
		return status.Code == "" || status.Code == imap.ResponseCodeClientBug || status.Code == imap.ResponseCodeCannot
	case imap.StatusResponseTypeNo:
		return status.Code == imap.ResponseCodeCannot
	}
	return false
}

// hide takes the password out of what a server says: some repeat the command that
// they did not understand.
func hide(err error, username, password string) error {
	var status *imap.Error
	if errors.As(err, &status) {
		for _, secret := range []string{
			password, quote(password),
			base64.StdEncoding.EncodeToString([]byte("\x00" + username + "\x00" + password)),
		} {
			status.Text = strings.ReplaceAll(status.Text, secret, "…")
		}
	}
	return err
}
