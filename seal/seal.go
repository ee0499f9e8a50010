// Package seal keeps secrets that are stored: encrypted with AES-256 in Galois
// counter mode (NIST SP 800-38D), each under a nonce of its own, by keys that are kept
// elsewhere. A ring holds several keys, so that one can take the place of another.
package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
)

const (
	keySize = 32 // AES-256
	hidden  = "[keys]"
)

// keyID keeps ids apart from keys: a key in base64 is longer.
var keyID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$`)

// Ring is a list of keys. The first seals, all of them open. It prints as
// "[keys]" in every form of fmt, JSON and slog. It does not change and is safe for
// concurrent use. The zero Ring has no keys.
type Ring struct {
	// Pointers, because fmt prints what unexported fields of other structs
	// hold without asking their methods.
	keys []*key
}

type key struct {
	id   string
	aead cipher.AEAD
}

// Parse reads a ring: a key a line, its id, a blank, and the 32 bytes of the
// key in base64 (RFC 4648 §4). Empty lines and lines that begin with # are
// left out. An error names the line and shows nothing of a key.
func Parse(text string) (Ring, error) {
	var ring Ring
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		k, err := parseKey(line)
		if err != nil {
			return Ring{}, fmt.Errorf("line %d: %w", number, err)
		}
		if ring.key(k.id) != nil {
			return Ring{}, fmt.Errorf("line %d: there is a key %q already: an id names one key", number, k.id)
		}
		ring.keys = append(ring.keys, k)
	}
	if len(ring.keys) == 0 {
		return Ring{}, errors.New("there is no key: want a line with an id and a key")
	}
	return ring, nil
}

func parseKey(line string) (*key, error) {
	fields := strings.Fields(line)
	if len(fields) != 2 {
		return nil, errors.New("want an id, a blank and a key, and nothing else")
	}
	id := fields[0]
	if !keyID.MatchString(id) {
		// It is not shown: it may be the key.
		return nil, errors.New("the first word is no id: want letters, digits and - _ . , 32 at most, a letter or digit first")
	}
	secret, err := base64.StdEncoding.Strict().DecodeString(fields[1])
	if err != nil {
		return nil, fmt.Errorf("the key %q is not base64", id)
	}
	defer clear(secret)
	if len(secret) != keySize {
		return nil, fmt.Errorf("the key %q has %d bytes: want %d", id, len(secret), keySize)
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &key{id, aead}, nil
}

// NewKey makes a line for a ring: a fresh key with the id.
func NewKey(id string) (string, error) {
	if !keyID.MatchString(id) {
		return "", fmt.Errorf("%q is no id for a key: want letters, digits and - _ . , 32 at most, a letter or digit first", id)
	}
	secret := make([]byte, keySize)
	if _, err := rand.Read(secret); err != nil {
		return "", err
	}
	return id + " " + base64.StdEncoding.EncodeToString(secret), nil
}

func (r Ring) key(id string) *key {
	for _, k := range r.keys {
		if k.id == id {
			return k
		}
	}
	return nil
}

// Has tells whether there is a key with the id.
func (r Ring) Has(id string) bool { return r.key(id) != nil }

// First returns the id of the key that seals, "" if there is none.
func (r Ring) First() string {
	if len(r.keys) == 0 {
		return ""
	}
	return r.keys[0].id
}

// Seal encrypts a secret with the first key. It can be opened only with the
// same owner: the name of that which has the secret, so that a box does not open in
// another one's place.
func (r Ring) Seal(secret, owner string) (keyID string, box []byte, err error) {
	if len(r.keys) == 0 {
		return "", nil, errors.New("there is no key to seal with")
	}
	first := r.keys[0]
	return first.id, first.aead.Seal(nil, nil, []byte(secret), associated(owner)), nil
}

// Open decrypts a box that the key of this id has sealed for the owner. The error
// names the key that is missing, or tells that the box was changed or is another one's.
func (r Ring) Open(keyID string, box []byte, owner string) (string, error) {
	k := r.key(keyID)
	if k == nil {
		return "", fmt.Errorf("there is no key %q, which sealed it", keyID)
	}
	secret, err := k.aead.Open(nil, nil, box, associated(owner))
	if err != nil {
		return "", fmt.Errorf("the key %q does not open it: it was changed, belongs to another, or another key had this id", keyID)
	}
	defer clear(secret)
	return string(secret), nil
}

// associated is what a box is tied to beside its key. The prefix keeps boxes of
// this form apart from those of any later one.
func associated(owner string) []byte {
	return bytes.Join([][]byte{[]byte("kith 1 sealed"), []byte(owner)}, []byte{0})
}

// String returns "[keys]".
func (Ring) String() string { return hidden }

// Format implements [fmt.Formatter]: "[keys]", whatever the verb.
func (Ring) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText implements [encoding.TextMarshaler]: "[keys]".
func (Ring) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue implements [slog.LogValuer]: "[keys]".
func (Ring) LogValue() slog.Value { return slog.StringValue(hidden) }
