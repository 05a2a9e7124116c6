"""Short passages whose last word follows from the whole of them, as in LAMBADA.

Written for textrep. The last sentence alone leaves open how it ends; in most passages the word has
been said before.
"""

PASSAGES = (
    "The baker took the loaf out of the oven. Everyone in the street could smell the fresh bread.",
    "Anna lost her keys on the way home. She stood at the door and looked in her bag for the keys.",
    "It had rained all night and the roof was leaking. In the morning, the floor was covered "
    "with water.",
    "My uncle keeps bees behind his house. Each autumn he brings us a jar of his honey.",
    "The old ship had crossed the ocean many times. Now the captain was too tired to sail the "
    "ship.",
    "Peter asked his grandmother for a story. She sat down by his bed and began to tell the story.",
    "Two teams played for the cup. When the whistle blew, the captain in red lifted the cup.",
    "The violin had belonged to her father. She could not sleep on the night she sold the violin.",
    "They planted an apple tree when Tom was born. Today he sat down in the shade of the tree.",
    "The night was clear and the sky was full of stars. The children lay in the grass and "
    "counted the stars.",
    "There was a letter on the table, and nobody dared to open it. At last my mother picked up "
    "the letter.",
    "A fox had come into the garden again. The hens were quiet, but the dog barked at the fox.",
    "The doctor looked at the boy's knee and reached for a bandage. The boy bit his lip when "
    "she touched his knee.",
    "The train to the coast was an hour late. We drank coffee in the station and waited for the "
    "train.",
    "He wanted to paint the fence white, but his wife wanted it green. In the end he bought a "
    "can of green paint and went out to the fence.",
    "The river had frozen over. Nobody was allowed to skate before the mayor had walked across "
    "the river.",
    "Our teacher wrote a sum on the board. Only one of us could solve the sum.",
    "The king had a golden crown and a wooden one. For the feast he chose the wooden crown.",
    "There was a small island in the lake. Every summer we rowed our boat out to the island.",
    "The candle had burned down and the room grew dark. She felt for the matches and lit "
    "another candle.",
    "Maria had studied all year for the exam. Her hands were shaking when she sat down to write "
    "the exam.",
    "The farmer sold his horse at the market. That evening his daughter cried, because she had "
    "loved the horse.",
    "A man came into the shop and asked for a map. The shopkeeper climbed on a ladder and "
    "brought down the map.",
    "They could hear the music from far away. The closer they came to the square, the louder "
    "was the music.",
    "The clock in the hall had stopped at noon. My brother took off its back and tried to "
    "repair the clock.",
    "Snow had fallen on the mountain. The guide told us that nobody should go up the mountain.",
)
