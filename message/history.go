package message

import (
	"regexp"
	"strings"
)

// withoutHistory removes from a text what it quotes of former messages: lines
// that begin with >, and all that follows one of the lines that mailers write
// above a quoted message. The rest may have been written below or between the
// quotes, and is kept.
func withoutHistory(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	kept := lines[:0:0]
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if strings.HasPrefix(line, ">") {
			continue
		}
		if line == "" {
			kept = append(kept, line)
			continue
		}
		if separator.MatchString(line) || isQuotedHeader(lines[i:]) {
			break
		}
		if n := attribution(lines[i:]); n > 0 {
			if !quoteFollows(lines[i+n:]) {
				break // the history below is not marked line by line
			}
			i += n - 1
			continue
		}
		kept = append(kept, line)
	}
	return strings.Join(kept, "\n")
}

// separator is a line such as -----Original Message-----
var separator = regexp.MustCompile(`(?i)^[-_=* ]{2,}\s*(` + strings.Join([]string{
	`original message`, `forwarded message`, `begin forwarded message`, `original appointment`,
	`ursprüngliche nachricht`, `originalnachricht`, `weitergeleitete nachricht`, `ursprünglicher termin`,
	`message d'origine`, `message d’origine`, `message original`, `message transféré`, `message initial`,
	`oorspronkelijk bericht`, `origineel bericht`, `doorgestuurd bericht`,
	`messaggio originale`, `messaggio inoltrato`,
	`mensaje original`, `mensaje reenviado`, `mensagem original`, `mensagem encaminhada`,
	`ursprungligt meddelande`, `opprinnelig melding`, `oprindelig meddelelse`, `alkuperäinen viesti`,
	`wiadomość oryginalna`, `oryginalna wiadomość`, `původní zpráva`, `исходное сообщение`, `пересылаемое сообщение`,
	`元のメッセージ`, `原始邮件`, `原始郵件`, `转发邮件信息`,
}, "|") + `)[ :]*[-_=* ]*$|^(Begin forwarded message|Anfang der weitergeleiteten Nachricht|Début du message réexpédié)\s?:$`)

// wrote is what ends the line above a quoted message: On Monday Ann wrote:
var wrote = regexp.MustCompile(`(?i)\s(wrote|writes|schrieb|schreef|geschreven|escribió|escreveu|skrev|napisał(\(a\))?|pisze|napsal|írta|` +
	`a écrit|ha scritto|ha escrit|kirjoitti|пишет|написала?|写道)(\s.{0,80})?[:：]$`)

// when is how such a line begins.
var when = regexp.MustCompile(`(?i)^[ *_]*(on|am|le|op|il|el|em|den|dne|w dniu|dnia|в|at|от|\pL{2,12}[.,]? \d|\d|"|<|\pL+.*@)`)

// maxAttribution is over how many lines mailers wrap it.
const maxAttribution = 4

// attribution returns over how many lines the text starts with a line that
// introduces a quote; 0 when it does not.
func attribution(lines []string) int {
	if !when.MatchString(strings.TrimSpace(lines[0])) {
		return 0
	}
	joined := ""
	for n, line := range lines[:min(len(lines), maxAttribution)] {
		line = strings.TrimSpace(line)
		if line == "" || len(line) > 300 || strings.HasPrefix(line, ">") {
			return 0
		}
		joined += " " + line
		if !strings.HasSuffix(line, ":") && !strings.HasSuffix(line, "：") {
			continue
		}
		// With a date or address in it: people write "as Ann wrote:" themselves.
		if wrote.MatchString(joined) && strings.ContainsAny(joined, "0123456789@<") {
			return n + 1
		}
		return 0
	}
	return 0
}

// quoteFollows tells whether the next line that is not empty is marked as quoted.
func quoteFollows(lines []string) bool {
	for _, line := range lines {
		if line = strings.TrimSpace(line); line != "" {
			return strings.HasPrefix(line, ">")
		}
	}
	return false
}

var (
	quotedFrom = regexp.MustCompile(`(?i)^[*_ ]*(from|von|de|van|da|från|fra|lähettäjä|od|от|de la|差出人|发件人|寄件者)[*_ ]*\s?[:：]`)
	quotedNext = regexp.MustCompile(`(?i)^[*_ ]*(sent|date|to|subject|cc|gesendet|datum|an|betreff|envoyé|date|à|objet|verzonden|aan|onderwerp|` +
		`inviato|data|a|oggetto|enviado|enviada|fecha|para|asunto|assunto|skickat|till|ämne|sendt|til|emne|lähetetty|wysłano|do|temat|` +
		`odesláno|komu|předmět|отправлено|дата|кому|тема|送信日時|宛先|件名|发送时间|收件人|主题|主旨)[*_ ]*\s?[:：]`)
)

// isQuotedHeader tells whether the text starts with the header of a quoted
// message, as Outlook writes it: From: and, in the lines behind, two others.
func isQuotedHeader(lines []string) bool {
	if !quotedFrom.MatchString(strings.TrimSpace(lines[0])) {
		return false
	}
	found := 0
	for _, line := range lines[1:min(len(lines), 8)] {
		if quotedNext.MatchString(strings.TrimSpace(line)) {
			found++
		}
	}
	return found >= 2
}
