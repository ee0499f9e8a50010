package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
)

// Bytes is a size.
type Bytes int64

var (
	bytesText  = regexp.MustCompile(`^([0-9]{1,15}) ?(B|kB|KB|MB|GB|KiB|MiB|GiB)?$`)
	bytesUnits = map[string]int64{
		"": 1, "B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9,
		"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
	}
)

// UnmarshalText implements [encoding.TextUnmarshaler]: a number, with a unit if wanted.
func (b *Bytes) UnmarshalText(text []byte) error {
	m := bytesText.FindSubmatch(text)
	if m == nil {
		return fmt.Errorf("%q is no size: want a number and kB, MB, GB, KiB, MiB or GiB", text)
	}
	n, err := strconv.ParseInt(string(m[1]), 10, 64)
	if err != nil {
		return err
	}
	unit := bytesUnits[string(m[2])]
	if n > (1<<50)/unit {
		return errors.New("is too large a size")
	}
	*b = Bytes(n * unit)
	return nil
}

// String returns the size in the largest unit that holds it exactly.
func (b Bytes) String() string {
	for _, u := range []string{"GiB", "MiB", "KiB"} {
		if unit := bytesUnits[u]; int64(b) >= unit && int64(b)%unit == 0 {
			return strconv.FormatInt(int64(b)/unit, 10) + u
		}
	}
	return strconv.FormatInt(int64(b), 10) + "B"
}
