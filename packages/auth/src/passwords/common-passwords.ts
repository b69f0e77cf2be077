// What is tried first, in lower case: passwords that come up in every published leak, names, clubs, keyboard walks, and what
// administrators choose until they find time. Short ones count too: they are refused with digits around them, and repeated.
const LIST = `
123456 password 123456789 12345678 12345 qwerty 1234567 111111 123123 abc123 1234567890 password1 iloveyou 000000
qwerty123 1q2w3e4r admin qwertyuiop 654321 555555 lovely 7777777 welcome 888888 princess dragon passw0rd 123321
666666 monkey football baseball letmein sunshine master hello freedom whatever qazwsx trustno1 jordan harley ranger
buster thomas robert soccer batman test pass killer hockey george charlie andrew michelle love jessica asshole
daniel access joshua maggie starwars silver william dallas yankees ashley mustang hunter shadow michael jennifer
superman tigger summer winter spring autumn cheese computer corvette merlin cookie ginger orange purple pepper
bailey chelsea austin matthew golfer heather hammer nicole amanda diamond samantha secret eagle eagles phoenix
camaro falcon junior thunder scooter tennis taylor yellow bigdog angel angels family flower banana butterfly
chocolate victoria patrick maverick sparky cowboy boomer midnight marina arsenal liverpool barcelona realmadrid
chelseafc manchester manunited juventus bayern borussia passwort kennwort hallo hallowelt schatz schalke berlin
hamburg muenchen motdepasse azerty azertyuiop bonjour soleil doudou loulou contrasena contraseña hola amor teamo
mariposa senha brasil flamengo corinthians parola ciao juve napoli wachtwoord welkom losen haslo polska parol privet
qwerty12 zaq12wsx zaq1zaq1 qazwsxedc qazwsxedcrfv 1qaz2wsx 1qaz2wsx3edc 1qaz2wsx3edc4rfv 1q2w3e4r5t 1q2w3e4r5t6y
q1w2e3r4 q1w2e3r4t5 q1w2e3r4t5y6 asdfgh asdfghjkl asdfghjkl123 zxcvbn zxcvbnm zxcvbnm123 asdfasdf qweasd qweasdzxc
qwertz qwertzuiop qwertyuiopasdfghjkl qwertyuiopasdfghjklzxcvbnm qwerty123456 qwertyuiop123 qwerty1234567 asdf1234
qwer1234 abcd1234 abcdefg abcdefgh abcdefghijkl abcdefghijklmnopqrstuvwxyz aaaaaa aaaaaaaa 11111111 00000000
12344321 123454321 1234554321 123456654321 112233 11223344 1122334455 112233445566 121212 131313 123654 147258
147258369 159753 741852963 789456123 987654321 0987654321 9876543210 01234567890 123456789012 1234567890123
123123123123 123412341234 111222333444 123456abcdef abcdef123456 password12 password123 password1234 password12345
password123456 password1234567 passwordpassword passw0rd123 p@ssw0rd p@ssword p@ssw0rd1234 pa55word pa55w0rd
mypassword mypassword123 yourpassword newpassword newpassword1 oldpassword defaultpassword temporary
temporarypassword temppassword temp changeme changeme123 changemenow changeit changethis pleasechange pleasechangeme
letmein123 letmeinnow letmein1234 openup opensesame iloveyou123 iloveyou1234 iloveyouforever iloveyousomuch
iloveyoubaby welcome1 welcome123 welcome1234 welcomehome welcometo admin123 admin1234 admin12345 admin123456
adminadmin adminadmin123 administrator administrator1 administrator123 adminpassword root rootroot toor rootpassword
superuser superadmin supersecret supersecretpassword topsecret secretpassword secret123 secretsecret verysecret
mysecret user useruser username guest guestguest guestpassword demo demodemo testtest testtest123 testing testing123
testing1234 testpassword testuser test1234 test12345 test123456 default defaultdefault system systemsystem manager
managerpassword service serviceaccount server serverpassword database databasepassword oracle oracle123 postgres
postgrespassword mysql mysqlpassword redis mongodb elastic docker kubernetes jenkins gitlab github grafana
prometheus ansible terraform vagrant vagrantvagrant raspberry raspberrypi ubuntu debian centos fedora redhat linux
windows windows10 windows11 microsoft apple google facebook twitter instagram youtube linkedin amazon netflix
minecraft minecraft123 fortnite roblox pokemon pokemon123 pikachu naruto narutouzumaki dragonball dragonballz
onepiece starwars123 starwarsstarwars startrek harrypotter harrypotter1 lordoftherings gandalf frodo aragorn legolas
matrix neo trinity spiderman ironman captainamerica wolverine superman123 batman123 batmanbatman wonderwoman
catwoman joker deadpool avengers marvel transformers terminator godzilla kingkong jurassicpark titanic avatar frozen
lionking mickeymouse mickey minnie donald donaldduck snoopy garfield tinkerbell cinderella pocahontas barbie
hellokitty teddybear sweetheart sweetie honey honeybee sugar candy cupcake cookies chocolate1 strawberry blueberry
raspberry1 cherry peaches pumpkin watermelon pineapple coconut kiwi mango lemon orange123 tomato potato onion pizza
hamburger cheeseburger spaghetti coffee coffeecoffee whiskey vodka tequila heineken budweiser guinness cocacola
pepsi sprite nutella snickers football123 footballfootball baseball123 baseball1 basketball basketball1
basketball123 volleyball softball lacrosse rugby cricket swimming snowboard skateboard skateboarding surfing running
marathon cycling bicycle motorcycle yamaha kawasaki suzuki honda toyota nissan mercedes mercedesbenz porsche ferrari
lamborghini maserati bugatti jaguar lexus volkswagen volvo chevrolet chevy ford fordmustang dodge cadillac corvette1
firebird camaro1 challenger charger jeepwrangler harleydavidson ducati michaeljordan kobebryant lebronjames ronaldo
ronaldinho cristiano cristianoronaldo messi lionelmessi neymar beckham zidane maradona pele federer nadal tigerwoods
alexander alexandra alexandria andrea angela anthony antonio arthur barbara benjamin brandon brandy brittany cameron
carlos caroline catherine christian christina christine christopher courtney crystal danielle david dennis diana
dominic donna dorothy douglas edward elizabeth emily emma eric eugene evelyn florence frances francisco frank
frederick gabriel gabriela genesis gerald gloria gregory hannah harold heather1 helen henry isabella isabelle
jackson jacqueline james jasmine jason jeffrey jeremy jessica1 jonathan jordan23 joseph juliana julie justin
katherine kathleen katie kenneth kevin kimberly kristen lauren leonardo linda lisa lorenzo louise lucas madison
margaret maria marie marilyn mario martha martin martina matthew1 megan melanie melissa michael1 michele miguel
monica morgan natalie natasha nathan nathaniel nicholas nicole1 olivia oscar pamela patricia paul peter philip
rachel raymond rebecca richard roberto roger ronald russell sabrina sandra sarah scott sebastian sharon shannon
sophia sophie stephanie stephen steven susan sydney teresa theresa theodore tiffany timothy tyler valentina valeria
vanessa veronica vincent vincenzo walter whitney yolanda zachary jesus jesuschrist jesuslovesme jesusislord
godisgood godislove godbless godblessme blessed faith faithful forgiven grace hope heaven angel123 angelina angelito
babygirl babygirl1 babyboy beautiful handsome lovelove lovelife loveforever lover lovers loveme lovemylife truelove
mylove myangel mybaby mybabygirl princess1 princess123 queen prince kingdom knight warrior ninja samurai pirate
wizard vampire zombie demon lucifer satan hellfire firefly fireball lightning hurricane tornado volcano earthquake
blizzard rainbow sunflower sunset sunrise moonlight starlight stardust galaxy universe jupiter saturn neptune
mercury venus pluto apollo zeus athena hercules achilles spartan trojan gladiator caesar napoleon cleopatra america
american usausausa california newyork newyorkcity losangeles lasvegas chicago houston boston dallascowboys
pittsburgh steelers packers patriots broncos raiders redsox yankees1 lakers celtics bulls knicks warriors england
london scotland ireland australia canada toronto vancouver montreal mexico argentina colombia venezuela philippines
indonesia malaysia singapore india pakistan bangladesh thailand vietnam japan tokyo china beijing korea russia
moscow germany france paris italy roma spain madrid portugal lisboa greece athens turkey istanbul galatasaray
fenerbahce besiktas netherlands amsterdam belgium sweden stockholm norway denmark finland suomi salasana poland
warszawa ukraine romania hungary budapest austria switzerland egypt nigeria kenya southafrica correcthorse
correcthorsebattery correcthorsebatterystaple thequickbrownfox loremipsum loremipsumdolor helloworld helloworld123
hello123 hello1234 hellohello goodbye goodmorning goodnight thankyou thankyou123 whatever1 whatever123 nothing
nothing123 something anything everything forever forever21 foreverlove together nevermind idontknow idontcare
dontknow dontforget forgotpassword iforgot iforgotit remember rememberme fuckyou fuckyou123 fuckyou2 fuckoff fuckme
bullshit bitch asshole1 motherfucker pussy monster monster1 monkey123 monkeymonkey dolphin dolphins elephant tiger
tigers lion lions panther panthers leopard cheetah wolf wolves husky bulldog bulldogs poodle beagle labrador
chihuahua kitten kittens kitty kittycat pussycat hamster rabbit bunny turtle snake spider scorpion butterfly1
ladybug penguin penguins eagle1 hawk raven phoenix1 unicorn unicorns dinosaur mermaid letmepass accessgranted
accessdenied unlock unlockme security security1 security123 secure securepassword safe safety private privatekey
enterprise business company companyname corporate office officejet manager123 employee student teacher school
schoolschool college university football1 class2020 summer2020 summer2021 summer2022 summer2023 summer2024
summer2025 summer2026 winter2020 winter2021 winter2022 winter2023 winter2024 winter2025 winter2026 spring2024
spring2025 spring2026 autumn2024 autumn2025 autumn2026 january february march april june july august september
october november december monday tuesday wednesday thursday friday saturday sunday gateway gatewayadmin mcpgateway
mcpplatform modelcontextprotocol
`

/** The most common passwords, and words that become one with a year or a sign behind them. */
export const commonPasswords: ReadonlySet<string> = new Set(LIST.trim().split(/\s+/))
