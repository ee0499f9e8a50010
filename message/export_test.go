package message

import "io"

// ReadStructure gives tests the structure that [Read] finds, and the decoded
// beginnings of its parts.
func ReadStructure(r io.Reader) (root *Part, content func(*Part) []byte, err error) {
	_, p, err := read(r)
	if err != nil {
		return nil, nil, err
	}
	return p.root, p.content, nil
}
