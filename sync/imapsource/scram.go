package imapsource

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/emersion/go-sasl"
	"github.com/xdg-go/scram"

	"kith"
)

// maxScramIterations bounds the work a server may ask for: about half a second.
const maxScramIterations = 1_000_000

// scramClient is SCRAM-SHA-256 (RFC 7677) as a [sasl.Client]. The server never sees the
// password and must prove that it knows it.
type scramClient struct {
	conversation *scram.ClientConversation
}

var _ sasl.Client = (*scramClient)(nil)

func newScramClient(username, password string) (*scramClient, error) {
	client, err := scram.SHA256.NewClient(username, password, "")
	if err != nil {
		// Characters that SASLprep (RFC 4013) forbids: servers that set
		// such a password did not prepare it either.
		client, err = scram.SHA256.NewClientUnprepped(username, password, "")
	}
	if err != nil {
		return nil, errors.New("the user name or password can't be used with SCRAM-SHA-256")
	}
	return &scramClient{client.NewConversation()}, nil
}

// Start implements [sasl.Client].
func (c *scramClient) Start() (mech string, initial []byte, err error) {
	first, err := c.conversation.Step("")
	return mechScram, []byte(first), err
}

// Next implements [sasl.Client].
func (c *scramClient) Next(challenge []byte) ([]byte, error) {
	if refusal, ok := strings.CutPrefix(string(challenge), "e="); ok { // RFC 5802 §7, server-error
		return nil, kith.Faultf(kith.FaultAuth, "the server refuses the login: %s", oneLine(refusal))
	}
	for attr := range strings.SplitSeq(string(challenge), ",") {
		count, ok := strings.CutPrefix(attr, "i=")
		if !ok {
			continue
		}
		if n, err := strconv.Atoi(count); err != nil || n > maxScramIterations {
			return nil, fmt.Errorf("the server asks for more than %d iterations", maxScramIterations)
		}
	}
	answer, err := c.conversation.Step(string(challenge))
	if err != nil && c.conversation.Done() {
		return nil, errUnproven
	}
	return []byte(answer), err
}

// proven tells whether the server showed that it knows the password.
func (c *scramClient) proven() bool { return c.conversation.Valid() }

var errUnproven = kith.Faultf(kith.FaultAuth, "the server could not prove that it knows the password: is it the right server?")
