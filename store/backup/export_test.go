package backup

import "kith/store"

// ParseRow reads the row of one line.
func ParseRow(text []byte) (store.Row, error) {
	l, err := parse(text)
	if err != nil {
		return nil, err
	}
	return l.row()
}
