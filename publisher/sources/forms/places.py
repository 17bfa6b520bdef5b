"""Cities and regions that datelines and bylines name, as newsrooms write them.

It is no gazetteer: a place that is not here is doubtful, and told where only its name would tell what it is.
"""

from __future__ import annotations

import re

_INDONESIA = """
Jakarta|Jakarta Pusat|Jakarta Barat|Jakarta Timur|Jakarta Utara|Jakarta Selatan|Bandung|Bandung Barat|Surabaya|Medan
Semarang|Makassar|Palembang|Tangerang|Tangerang Selatan|Tangsel|Depok|Bekasi|Bogor|Batam|Pekanbaru|Bandar Lampung
Bandarlampung|Lampung|Malang|Padang|Denpasar|Samarinda|Banjarmasin|Tasikmalaya|Pontianak|Cimahi|Balikpapan|Jambi
Surakarta|Solo|Serang|Mataram|Manado|Yogyakarta|Jogja|Yogya|Jogjakarta|Cirebon|Kupang|Palu|Ambon|Kendari|Sukabumi
Cilegon|Pekalongan|Kediri|Bengkulu|Palangka Raya|Palangkaraya|Pematangsiantar|Siantar|Banda Aceh|Aceh|Tarakan
Probolinggo|Singkawang|Lubuklinggau|Tanjungpinang|Tanjung Pinang|Bitung|Pangkalpinang|Pangkal Pinang|Padang Sidempuan
Banjarbaru|Gorontalo|Ternate|Sorong|Binjai|Dumai|Tegal|Madiun|Palopo|Blitar|Bontang|Pasuruan|Salatiga|Lhokseumawe
Tebing Tinggi|Langsa|Mojokerto|Magelang|Metro|Banjar|Bima|Pagar Alam|Parepare|Baubau|Sungai Penuh|Prabumulih|Tual
Tidore|Jayapura|Merauke|Timika|Wamena|Manokwari|Nabire|Biak|Fakfak|Sleman|Bantul|Kulon Progo|Gunungkidul|Klaten
Boyolali|Sragen|Karanganyar|Wonogiri|Sukoharjo|Kudus|Pati|Demak|Jepara|Rembang|Blora|Grobogan|Purwokerto|Banyumas
Purbalingga|Banjarnegara|Cilacap|Kebumen|Purworejo|Wonosobo|Temanggung|Kendal|Batang|Pemalang|Brebes|Garut|Ciamis
Kuningan|Majalengka|Sumedang|Indramayu|Subang|Purwakarta|Karawang|Cianjur|Pangandaran|Lebak|Pandeglang|Gresik|Sidoarjo
Jombang|Nganjuk|Ngawi|Magetan|Ponorogo|Pacitan|Trenggalek|Tulungagung|Lumajang|Jember|Bondowoso|Situbondo|Banyuwangi
Lamongan|Tuban|Bojonegoro|Bangkalan|Sampang|Pamekasan|Sumenep|Batu|Badung|Gianyar|Tabanan|Buleleng|Singaraja
Karangasem|Ubud|Kuta|Nusa Dua|Bali|Lombok|Lombok Timur|Lombok Barat|Lombok Tengah|Sumbawa|Dompu|Ende|Maumere|Sikka
Labuan Bajo|Manggarai|Alor|Atambua|Belu|Sumba|Nias|Deli Serdang|Langkat|Karo|Simalungun|Asahan|Toba|Samosir|Dairi
Tapanuli|Bukittinggi|Payakumbuh|Pariaman|Solok|Agam|Kampar|Siak|Bengkalis|Rokan Hilir|Rokan Hulu|Kuansing|Indragiri
Karimun|Bintan|Natuna|Anambas|Muaro Jambi|Musi Banyuasin|Ogan Ilir|Lahat|Muara Enim|Belitung|Bangka|Kotabaru|Sampit
Kotawaringin|Barito|Kapuas|Sintang|Ketapang|Sambas|Sanggau|Kutai|Kutai Kartanegara|Berau|Paser|Nunukan|Bulungan
Malinau|Tanjung Selor|Nusantara|IKN Nusantara|Minahasa|Tomohon|Kotamobagu|Poso|Morowali|Donggala|Sigi|Luwuk|Banggai
Mamuju|Majene|Polewali Mandar|Gowa|Maros|Bone|Luwu|Wajo|Bulukumba|Toraja|Takalar|Jeneponto|Kolaka|Konawe|Buton
Wakatobi|Muna|Halmahera|Tobelo|Buru|Seram|Namlea|Masohi|Saumlaki|Pelabuhan Ratu|Sentul|Cikarang|Cibubur|Sentani
Jawa Barat|Jawa Tengah|Jawa Timur|Sumatera Utara|Sumatera Barat|Banten
"""
_WORLD = """
London|Paris|Berlin|Madrid|Rome|Roma|Rom|Vienna|Wien|Vienne|Viena|Brussels|Brussel|Brüssel|Bruxelles|Bruselas
Amsterdam|The Hague|Den Haag|La Haye|La Haya|Rotterdam|Utrecht|Antwerpen|Antwerp|Luxembourg|Luxemburg|Geneva|Genf
Genève|Jenewa|Ginebra|Zurich|Zürich|Bern|Basel|Lausanne|Lugano|Davos|Hamburg|München|Munich|Köln|Cologne|Frankfurt
Frankfurt am Main|Frankfurt/Main|Frankfurt/Oder|Stuttgart|Düsseldorf|Dortmund|Essen|Leipzig|Dresden|Hannover|Nürnberg
Bremen|Bonn|Mainz|Wiesbaden|Karlsruhe|Mannheim|Potsdam|Magdeburg|Erfurt|Schwerin|Kiel|Rostock|Saarbrücken|Halle|Graz
Linz|Salzburg|Innsbruck|Lyon|Marseille|Toulouse|Bordeaux|Lille|Strasbourg|Straßburg|Nantes|Nice|Rennes|Montpellier
Barcelona|Valencia|Sevilla|Bilbao|Málaga|Zaragoza|Lisbon|Lisboa|Lissabon|Porto|Milan|Milano|Mailand|Turin|Torino
Naples|Napoli|Venice|Venezia|Florence|Firenze|Bologna|Palermo|Vatican City|Vatikan|Dublin|Belfast|Edinburgh|Glasgow
Cardiff|Manchester|Liverpool|Birmingham|Leeds|Oxford|Cambridge|Copenhagen|Kopenhagen|København|Oslo|Stockholm|Helsinki
Reykjavik|Tallinn|Riga|Vilnius|Warsaw|Warszawa|Warschau|Krakow|Prague|Praha|Prag|Bratislava|Budapest|Bucharest
Bukarest|Sofia|Belgrade|Belgrad|Zagreb|Ljubljana|Sarajevo|Skopje|Tirana|Pristina|Athens|Athen|Athena|Ankara|Istanbul
Kyiv|Kiev|Kiew|Lviv|Odesa|Kharkiv|Minsk|Moscow|Moskow|Moskau|Moscou|Moscú|Mosca|St Petersburg|St. Petersburg
Saint Petersburg|Kazan|Chisinau|Tbilisi|Yerevan|Baku|Astana|Almaty|Tashkent|Tokyo|Tokio|Osaka|Kyoto|Seoul|Pyongyang
Beijing|Peking|Pékin|Pekín|Shanghai|Hong Kong|Hongkong|Shenzhen|Guangzhou|Wuhan|Macau|Taipei|Bangkok|Singapore
Singapura|Singapur|Kuala Lumpur|Manila|Hanoi|Ho Chi Minh City|Phnom Penh|Vientiane|Yangon|Naypyidaw|Dili
Bandar Seri Begawan|Dhaka|New Delhi|Delhi|Mumbai|Kolkata|Chennai|Bengaluru|Islamabad|Karachi|Lahore|Kabul|Kathmandu
Colombo|Male|Tehran|Teheran|Baghdad|Bagdad|Damascus|Damaskus|Beirut|Amman|Jerusalem|Yerusalem|Tel Aviv|Gaza|Gaza City
Ramallah|Riyadh|Jeddah|Mekah|Makkah|Madinah|Mecca|Dubai|Abu Dhabi|Doha|Kuwait City|Manama|Muscat|Sanaa|Cairo|Kairo
Le Caire|El Cairo|Alexandria|Tripoli|Tunis|Algiers|Rabat|Casablanca|Dakar|Bamako|Lagos|Abuja|Accra|Nairobi|Kampala
Kigali|Addis Ababa|Khartoum|Mogadishu|Kinshasa|Luanda|Harare|Lusaka|Johannesburg|Cape Town|Pretoria|Durban|Sydney
Melbourne|Canberra|Brisbane|Perth|Adelaide|Darwin|Hobart|Auckland|Wellington|Christchurch|Suva|Port Moresby|Washington
Washington D.C.|Washington DC|New York|New York City|Los Angeles|Chicago|Houston|Boston|San Francisco|Seattle
Philadelphia|Dallas|Atlanta|Miami|Denver|Detroit|Las Vegas|Phoenix|San Diego|Minneapolis|St. Louis|St. Paul
New Orleans|Austin|Portland|Baltimore|Milwaukee|Honolulu|Sacramento|Cleveland|Pittsburgh|Ft. Lauderdale|Ft. Worth
United Nations|Toronto|Ottawa|Montreal|Montréal|Vancouver|Calgary|Edmonton|Quebec|Québec|Winnipeg|Halifax|Mexico City
Ciudad de México|México|Guadalajara|Monterrey|Havana|La Habana|Kingston|Panama City|Panamá|San José|Guatemala
San Salvador|Tegucigalpa|Managua|Bogota|Bogotá|Medellín|Caracas|Quito|Lima|La Paz|Santiago|Buenos Aires|Montevideo
Asunción|Brasilia|Brasília|Rio de Janeiro|São Paulo|Sao Paulo|Salvador|Recife|Belo Horizonte|Porto Alegre
"""
_KNOWN = frozenset(
    name.casefold().replace(".", "") for line in (_INDONESIA + _WORLD).split("\n") for name in line.split("|") if name
)


def known(text: str) -> bool:
    """Whether it is one of the places above, in any case, with or without periods."""
    return re.sub(r"\s+", " ", text.strip(" ,")).casefold().replace(".", "") in _KNOWN
