package address

// freeMail are domains where anybody may have a mailbox, so that the domain says
// nothing of whom a person works for.
var freeMail = map[string]bool{
	"gmail.com": true, "googlemail.com": true,
	"outlook.com": true, "hotmail.com": true, "live.com": true, "msn.com": true,
	"hotmail.co.uk": true, "hotmail.de": true, "hotmail.fr": true, "hotmail.it": true, "hotmail.es": true,
	"live.co.uk": true, "live.de": true, "live.fr": true, "live.nl": true, "outlook.de": true, "outlook.fr": true,
	"yahoo.com": true, "ymail.com": true, "rocketmail.com": true, "yahoo.co.uk": true, "yahoo.co.jp": true,
	"yahoo.de": true, "yahoo.fr": true, "yahoo.it": true, "yahoo.es": true, "yahoo.com.br": true, "yahoo.co.in": true,
	"icloud.com": true, "me.com": true, "mac.com": true,
	"aol.com": true, "aim.com": true,
	"proton.me": true, "protonmail.com": true, "pm.me": true,
	"tutanota.com": true, "tuta.io": true, "fastmail.com": true, "fastmail.fm": true, "hey.com": true, "zoho.com": true,
	"gmx.com": true, "gmx.net": true, "gmx.de": true, "gmx.at": true, "gmx.ch": true, "mail.com": true,
	"web.de": true, "freenet.de": true, "t-online.de": true, "arcor.de": true, "posteo.de": true, "mailbox.org": true,
	"orange.fr": true, "wanadoo.fr": true, "free.fr": true, "laposte.net": true, "sfr.fr": true, "bbox.fr": true,
	"libero.it": true, "virgilio.it": true, "tiscali.it": true, "alice.it": true,
	"ziggo.nl": true, "kpnmail.nl": true, "planet.nl": true, "xs4all.nl": true, "home.nl": true,
	"telenet.be": true, "skynet.be": true, "proximus.be": true, "scarlet.be": true,
	"bluewin.ch": true, "hispeed.ch": true,
	"btinternet.com": true, "sky.com": true, "virginmedia.com": true, "talktalk.net": true,
	"comcast.net": true, "verizon.net": true, "att.net": true, "sbcglobal.net": true, "cox.net": true, "charter.net": true,
	"mail.ru": true, "yandex.ru": true, "yandex.com": true, "rambler.ru": true, "ya.ru": true,
	"wp.pl": true, "o2.pl": true, "onet.pl": true, "interia.pl": true, "op.pl": true,
	"seznam.cz": true, "centrum.cz": true, "freemail.hu": true, "citromail.hu": true, "abv.bg": true,
	"qq.com": true, "163.com": true, "126.com": true, "sina.com": true, "foxmail.com": true,
	"naver.com": true, "daum.net": true, "hanmail.net": true,
	"uol.com.br": true, "bol.com.br": true, "terra.com.br": true, "rediffmail.com": true,
}

// FreeMail tells whether a canonical domain gives mailboxes to anybody.
func FreeMail(domain string) bool { return freeMail[domain] }
