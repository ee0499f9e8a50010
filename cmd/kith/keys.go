package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"kith"
	"kith/config"
	"kith/seal"
)

// ring reads the configured keys. It has none if the configuration names none.
func (a *app) ring(ctx context.Context) (seal.Ring, error) {
	cfg, err := a.config()
	if err != nil {
		return seal.Ring{}, err
	}
	text, err := cfg.Secrets.Keys(ctx)
	if err != nil {
		return seal.Ring{}, usageError{fmt.Errorf("%s: %w", cfg.Path, err)}
	}
	if text.Reveal() == "" {
		return seal.Ring{}, nil
	}
	ring, err := seal.Parse(text.Reveal())
	if err != nil {
		return seal.Ring{}, usageError{fmt.Errorf("%s: secrets: the keys can't be read: %w", cfg.Path, err)}
	}
	return ring, nil
}

// sealingRing is ring for those who need a key.
func (a *app) sealingRing(ctx context.Context) (seal.Ring, error) {
	ring, err := a.ring(ctx)
	if err == nil && ring.First() == "" {
		err = usagef("%s: passwords are kept encrypted, and there is no key: write one with \"kith accounts key > FILE\" and name the file as key_file in [secrets]", a.cfg.Path)
	}
	return ring, err
}

// keyring holds the configured keys while the daemon runs. It is safe for concurrent use.
type keyring struct {
	read func(ctx context.Context) (seal.Ring, error)
	now  func() time.Time

	mu   sync.Mutex
	ring seal.Ring
	at   time.Time // of the last reading
}

// keysAgain is how long a key that is missing is not looked for again.
const keysAgain = 10 * time.Second

// open opens what is sealed for an account. When that fails the keys are read again: one may
// have come since.
func (k *keyring) open(ctx context.Context, sealed kith.Sealed, account string) (config.Secret, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	text, err := k.ring.Open(sealed.Key, sealed.Box, account)
	if now := k.now(); err != nil && (k.at.IsZero() || now.Sub(k.at) >= keysAgain) {
		k.at = now
		ring, bad := k.read(ctx)
		if bad != nil {
			return config.Secret{}, errors.Join(bad, err)
		}
		k.ring = ring
		text, err = ring.Open(sealed.Key, sealed.Box, account)
	}
	if err != nil {
		return config.Secret{}, fmt.Errorf("its password is sealed: %w", err)
	}
	return config.NewSecret(text), nil
}
